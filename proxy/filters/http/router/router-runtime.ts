// What all streams of one router share.
import type { Counter } from '../../../stats/metrics.ts';
import type { HttpFilterServices } from '../../http-filter.ts';
import type { RouterConfig } from './router-config.ts';

/** `http.<stat_prefix>.` counters of the router, and its configuration. */
export class RouterRuntime {
  readonly config: RouterConfig;
  readonly noRoute: Counter;
  readonly noCluster: Counter;
  readonly directResponse: Counter;
  readonly redirect: Counter;
  readonly total: Counter;

  constructor(config: RouterConfig, services: HttpFilterServices) {
    this.config = config;
    this.noRoute = services.scope.counter('no_route');
    this.noCluster = services.scope.counter('no_cluster');
    this.directResponse = services.scope.counter('rq_direct_response');
    this.redirect = services.scope.counter('rq_redirect');
    this.total = services.scope.counter('rq_total');
  }
}
