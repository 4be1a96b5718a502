// Which object of Istio's API a resource was made from; istiod says so in its metadata.
import { type JsonRecord, record, text } from './json-fields.ts';

/** `/apis/<group>/<version>/namespaces/<namespace>/<kind>/<name>` begins with an empty part. */
const PATH_PARTS = 8;
const NAMESPACE_PART = 5;
const NAME_PART = 7;

/** `name.namespace` of a DestinationRule or VirtualService; '' when nothing is said. */
export function istioOrigin(resource: JsonRecord): string {
  const path = text(record(resource, 'metadata', 'filter_metadata', 'istio'), 'config');
  if (path === '') return '';
  if (!path.startsWith('/apis/networking.istio.io/')) return '<unknown>';
  const parts = path.split('/');
  if (parts.length !== PATH_PARTS) return '';
  return `${parts[NAME_PART]}.${parts[NAMESPACE_PART]}`;
}
