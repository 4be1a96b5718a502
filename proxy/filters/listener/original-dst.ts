// Restores the destination of connections that the packet filter redirected.
import {
  type OriginalDst,
  OriginalDstSchema,
} from '../../api/gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js';
import { originalDestination } from '../../net/original-destination.ts';
import { type SocketOptions, socketOptions } from '../../net/socket-options.ts';
import {
  type CandidateConnection,
  DONE,
  type ListenerFilter,
  type ListenerFilterDefinition,
} from '../listener-filter.ts';

/** envoy.filters.listener.original_dst */
export const originalDstDefinition: ListenerFilterDefinition<OriginalDst> = {
  name: 'envoy.filters.listener.original_dst',
  schema: OriginalDstSchema,
  support: { [OriginalDstSchema.typeName]: {} },
  compile: () => NO_OPTIONS,
  factory: (_config, services) => {
    const options = socketOptions();
    if (typeof options === 'string') {
      const effect = 'connections keep the address that they arrived at';
      services.log.log('warning', `original_dst cannot ask the system: ${options}; ${effect}`);
    }
    const filter = new OriginalDstFilter(typeof options === 'string' ? null : options);
    return { create: () => filter };
  },
};

const NO_OPTIONS = Object.freeze({});

/** Holds nothing of a connection, so one serves all. It never waits and never refuses. */
class OriginalDstFilter implements ListenerFilter {
  readonly #options: SocketOptions | null;

  constructor(options: SocketOptions | null) {
    this.#options = options;
  }

  inspect(candidate: CandidateConnection): typeof DONE {
    if (this.#options === null) return DONE;
    const { fileDescriptor, directLocalAddress } = candidate;
    const original = originalDestination(this.#options, fileDescriptor, directLocalAddress);
    if (original === null) return DONE;
    candidate.localAddress = original;
    candidate.isLocalAddressRestored = true;
    return DONE;
  }
}
