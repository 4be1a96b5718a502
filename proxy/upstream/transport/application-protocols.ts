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
    const names = { serverName: '', expectedName: '', applicationProtocols: list, source: null };
    this.names = Object.freeze({ key: `  ${list.join(',')}`, ...names });
  }
}

/**
 * `names` with what else an exchange asks of its connection: protocols by filter state, and the
 * source that a listener filter gave the client; null: nothing at all.
 */
export function withWishes(
  names: RequestNames | null,
  info: Pick<StreamInfo, 'filterState' | 'downstream'>,
): RequestNames | null {
  const wished = withProtocols(names, info);
  const source = info.downstream.upstreamSource ?? null;
  if (source === null) return wished;
  const base = wished ?? NO_NAMES;
  return { ...base, key: `${base.key} ${source.ip} ${source.mark}`, source };
}

const NO_NAMES: RequestNames = Object.freeze({
  ...{ key: ' ', serverName: '', expectedName: '', applicationProtocols: [], source: null },
});

function withProtocols(
  names: RequestNames | null,
  { filterState, downstream }: Pick<StreamInfo, 'filterState' | 'downstream'>,
): RequestNames | null {
  const wanted = filterState?.get(ALPN_STATE) ?? downstream.filterState?.get(ALPN_STATE);
  if (!(wanted instanceof ApplicationProtocols)) return names;
  if (names === null) return wanted.names;
  const { key, applicationProtocols } = wanted.names;
  return { ...names, key: names.key + key, applicationProtocols };
}
