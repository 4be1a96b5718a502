// What all streams of one router share.
import type { Counter } from '../../../stats/metrics.ts';
import type { HttpFilterServices } from '../../http-filter.ts';
import type { Passthrough } from './internal-redirect.ts';
import type { RouterConfig } from './router-config.ts';

/** Cells that Envoy's router has and nothing here changes: see ClusterStats. */
const UNTOUCHED_COUNTERS = ['rq_overload_local_reply'];

/** `http.<stat_prefix>.` counters of the router, and its configuration. */
export class RouterRuntime {
  readonly config: RouterConfig;
  readonly noRoute: Counter;
  readonly noCluster: Counter;
  readonly directResponse: Counter;
  readonly redirect: Counter;
  readonly total: Counter;
  /** Of gRPC responses only, whose success is known with their trailers. */
  readonly resetAfterResponseStarted: Counter;

  /** Redirects that the client has to follow itself. */
  readonly passthroughs: Readonly<Record<Passthrough, Counter>>;

  constructor(config: RouterConfig, services: HttpFilterServices) {
    this.config = config;
    this.noRoute = services.scope.counter('no_route');
    this.noCluster = services.scope.counter('no_cluster');
    this.directResponse = services.scope.counter('rq_direct_response');
    this.redirect = services.scope.counter('rq_redirect');
    this.total = services.scope.counter('rq_total');
    this.resetAfterResponseStarted = services.scope.counter(
      'rq_reset_after_downstream_response_started',
    );
    const passthrough = (why: Passthrough) =>
      services.scope.counter(`passthrough_internal_redirect_${why}`);
    this.passthroughs = {
      bad_location: passthrough('bad_location'),
      unsafe_scheme: passthrough('unsafe_scheme'),
      too_many_redirects: passthrough('too_many_redirects'),
      no_route: passthrough('no_route'),
      predicate: passthrough('predicate'),
    };
    for (const name of UNTOUCHED_COUNTERS) services.scope.counter(name);
  }
}
