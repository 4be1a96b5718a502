// ALPN that a filter wants on the connections of a request, in place of the cluster's: connections
// that offered one list are never used for another.
import type { StreamInfo } from '../../http/stream-info.ts';
import type { RequestNames } from './request-names.ts';

/** Envoy's filter state key of the list; its value is an ApplicationProtocols. */
export const ALPN_STATE = 'envoy.network.application_protocols';

/** A list of protocols for ALPN, in order of preference. */
export class ApplicationProtocols {
  /** What a request asks that has no other wish. */
  readonly names: RequestNames;

  constructor(list: readonly string[]) {
    const names = { serverName: '', expectedName: '', applicationProtocols: list };
    this.names = Object.freeze({ key: `  ${list.join(',')}`, ...names });
  }
}

/** `names` with the protocols that the filter state asks for; null: neither asks for anything. */
export function withProtocols(
  names: RequestNames | null,
  { filterState, downstream }: Pick<StreamInfo, 'filterState' | 'downstream'>,
): RequestNames | null {
  const wanted = filterState?.get(ALPN_STATE) ?? downstream.filterState?.get(ALPN_STATE);
  if (!(wanted instanceof ApplicationProtocols)) return names;
  if (names === null) return wanted.names;
  const { key, applicationProtocols } = wanted.names;
  return { ...names, key: names.key + key, applicationProtocols };
}
