// Fields that a configuration adds to the requests of checks: they are formatted as those of routes
// are, with what is known of an exchange that has no client.
import { socketAddress } from '../../base/address.ts';
import type { RequestHead } from '../../http/message.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import type { HeaderValueConfig } from '../../model/header-mutations.ts';
import { HeaderMutator } from '../../routing/header-mutator.ts';
import { SINGLE_LINE_IN_REQUESTS } from '../../routing/single-line-fields.ts';
import type { CheckTarget } from './checker.ts';

/** As Envoy: checks come from nobody, at this address. */
const NOBODY = socketAddress('127.0.0.1', 0);

/** Adds and removes the fields of one host's checks. */
export class RequestMutator {
  readonly #mutator: HeaderMutator | null;
  readonly #target: CheckTarget;

  constructor(
    target: CheckTarget,
    set: readonly HeaderValueConfig[],
    remove: readonly string[] = [],
  ) {
    const isNeeded = set.length > 0 || remove.length > 0;
    this.#mutator = isNeeded ? new HeaderMutator({ set, remove }, SINGLE_LINE_IN_REQUESTS) : null;
    this.#target = target;
  }

  apply(head: RequestHead): void {
    if (this.#mutator === null) return;
    const { services, cluster, endpoint, hostAddress } = this.#target;
    const { clock } = services;
    const wallMs = clock.wallMs();
    const info = new StreamInfo(
      {
        ...{ id: 0, requestedServerName: '', filterChainName: '', tls: null },
        ...{ filterState: null },
        ...{ directRemoteAddress: NOBODY, remoteAddress: NOBODY },
        ...{ localAddress: NOBODY, directLocalAddress: NOBODY },
      },
      clock.nowMs(),
      wallMs,
    );
    info.clusterName = cluster.name;
    info.upstreamHost = {
      address: hostAddress,
      hostname: endpoint.hostname,
      clusterName: cluster.name,
      observabilityName: cluster.observabilityName,
      endpoint,
    };
    this.#mutator.apply(head.headers, {
      ...{ info, request: head, response: null, responseTrailers: null, wallMs },
      ...{ logType: 'NotSet', localReplyBody: '' },
    });
  }
}
