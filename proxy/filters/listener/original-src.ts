// Upstreams see a client's own address: connections that are made on its behalf are bound to it. The
// answers have to be led back to this host, as the rules of TPROXY do.
import {
  type OriginalSrc,
  OriginalSrcSchema,
} from '../../api/gen/envoy/extensions/filters/listener/original_src/v3/original_src_pb.js';
import { ipVersion } from '../../base/ip-address.ts';
import { socketOptions } from '../../net/socket-options.ts';
import {
  type CandidateConnection,
  DONE,
  type ListenerFilter,
  type ListenerFilterDefinition,
} from '../listener-filter.ts';

interface OriginalSrcConfig {
  readonly mark: number;
}

/** envoy.filters.listener.original_src */
export const originalSrcDefinition: ListenerFilterDefinition<OriginalSrc, OriginalSrcConfig> = {
  name: 'envoy.filters.listener.original_src',
  schema: OriginalSrcSchema,
  support: {
    [OriginalSrcSchema.typeName]: {
      bind_port: { refused: "Envoy does not implement it either: ports are the system's choice" },
      mark: 'honoured',
    },
  },
  compile: ({ mark }) => Object.freeze({ mark }),
  factory: ({ mark }, services) => {
    const options = socketOptions();
    if (typeof options === 'string') {
      const effect = 'connections to upstreams will fail';
      services.log.log(
        'warning',
        `original_src cannot bind to clients' addresses: ${options}; ${effect}`,
      );
    }
    const filter = new OriginalSrcFilter(mark);
    return { create: () => filter };
  },
};

/** Holds nothing of a connection, so one serves all. */
class OriginalSrcFilter implements ListenerFilter {
  readonly #mark: number;

  constructor(mark: number) {
    this.#mark = mark;
  }

  inspect(candidate: CandidateConnection): typeof DONE {
    const { ip } = candidate.remoteAddress;
    if (ipVersion(ip) !== 0) candidate.upstreamSource = { ip, mark: this.#mark };
    return DONE;
  }
}
