// `proxy-config bootstrap` in short: which versions run.
import { type JsonRecord, member, record, text } from './json-fields.ts';
import type { TextTable } from './text-table.ts';

const LABELS = ['build.label', 'revision.status', 'build.type', 'ssl.version'];

/** A line for each version that the bootstrap's node tells. */
export function bootstrapTable(bootstrap: JsonRecord): TextTable {
  const node = record(bootstrap, 'node');
  const metadata = record(node, 'metadata');
  const sha = text(metadata, 'ISTIO_PROXY_SHA');
  const versions: readonly (readonly [string, string])[] = [
    ['Istio Version:', text(metadata, 'ISTIO_VERSION')],
    ['Istio Proxy Version:', sha.split(':')[1] ?? sha],
    ['Envoy Version:', userAgentText(record(node, 'user_agent_build_version'))],
  ];
  const [first = [], ...rows] = versions.filter(([, version]) => version !== '');
  return { titles: first, rows };
}

/** '' where the node does not tell: a bootstrap as it was written seldom does. */
function userAgentText(build: JsonRecord): string {
  const version = record(build, 'version');
  if (member(build, 'version') === undefined) return '';
  const numbers = ['major_number', 'minor_number', 'patch'].map(
    (name) => text(version, name) || '0',
  );
  const metadata = record(build, 'metadata');
  const [label = '', ...others] = LABELS.map((name) => text(metadata, name));
  const start = numbers.join('.') + (label === '' ? '' : `-${label}`);
  return [start, ...others.filter((each) => each !== '')].join('/');
}
