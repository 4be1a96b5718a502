// Mutations of the query parameters of a path.
import type { FormatContext } from '../../../formatter/formatter.ts';
import type { ParameterMutation } from './mutation-set.ts';

const ENCODED_OCTET = /%([0-9a-f]{2})/gi;
const ENCODED_BY_ENVOY = /[^A-Za-z0-9\-._*]/g;

/** What stands in the query by decoded name: `name=value` as it is written. */
type Parameters = Map<string, string[]>;

/**
 * The path with the parameters that the mutations leave: sorted by name, as Envoy writes them. Values
 * of the client stay encoded as they were (Envoy writes them decoded, blanks and all).
 */
export function mutateParameters(
  mutations: readonly ParameterMutation[],
  path: string,
  context: FormatContext,
): string {
  const parameters = parseParameters(path);
  for (const mutation of mutations) mutate(parameters, mutation, context);
  const pairs = [...parameters].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, texts]) => texts);
  const query = path.indexOf('?');
  const bare = query === -1 ? path : path.slice(0, query);
  return pairs.length === 0 ? bare : `${bare}?${pairs.join('&')}`;
}

function mutate(parameters: Parameters, mutation: ParameterMutation, context: FormatContext): void {
  const { key } = mutation;
  if (mutation.kind === 'remove') {
    parameters.delete(key);
    return;
  }
  const current = parameters.get(key);
  const { action } = mutation;
  if (action === 'add-if-absent' && current !== undefined) return;
  if (action === 'overwrite-if-exists' && current === undefined) return;
  const pair = `${encode(key)}=${encode(mutation.value.format(context))}`;
  parameters.set(key, action === 'append' ? [...(current ?? []), pair] : [pair]);
}

function parseParameters(path: string): Parameters {
  const parameters: Parameters = new Map();
  const query = path.indexOf('?');
  if (query === -1 || query === path.length - 1) return parameters;
  for (const text of path.slice(query + 1).split('&')) {
    const equals = text.indexOf('=');
    const key = decode(equals === -1 ? text : text.slice(0, equals));
    const pairs = parameters.get(key) ?? [];
    pairs.push(equals === -1 ? `${text}=` : text);
    parameters.set(key, pairs);
  }
  return parameters;
}

/** Octets, as the path has them. */
function decode(text: string): string {
  return text.replace(ENCODED_OCTET, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function encode(text: string): string {
  return text.replace(
    ENCODED_BY_ENVOY,
    (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
