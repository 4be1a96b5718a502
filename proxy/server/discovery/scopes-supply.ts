// Supplies the scopes of a connection manager (SRDS): all that there are, as one. An update is taken as
// a whole or not at all, as by Envoy: half of it might send requests to the wrong tables.
import { create, type Message } from '@bufbuild/protobuf';
import type { ScopedRouteConfiguration } from '../../api/gen/envoy/config/route/v3/scoped_route_pb.js';
import { ScopedRouteConfigurationsListSchema } from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { ScopesRef } from '../../model/config-source.ts';
import type { Counter, Gauge, StatsScope } from '../../stats/metrics.ts';
import {
  ALL_NAMES,
  type DiscoverySubscription,
  type DiscoveryUpdate,
} from '../../xds/discovery.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import type { Supply, SupplySink } from '../need-keeper.ts';
import { SYSTEM_CLOCK } from '../system-clock.ts';
import { contentHash, readDiscovered } from './discovered-message.ts';
import { type ConfigSupplyParts, REASONS } from './supply-from-source.ts';

interface KnownScope {
  readonly message: ScopedRouteConfiguration;
  readonly hash: string;
}

type Scopes = ReadonlyMap<string, KnownScope>;

/** See the file's head. */
export class ScopesSupply implements Supply {
  readonly #ref: ScopesRef;
  readonly #sink: SupplySink<Message>;
  readonly #onUnusable: ConfigSupplyParts['onUnusable'];
  readonly #subscription: DiscoverySubscription;
  readonly #scope: StatsScope;
  readonly #stats: ScopeStats;
  #scopes: Scopes = new Map();
  /** What `refuse` returns to. */
  #before: Scopes = new Map();
  #hasAny = false;

  constructor(ref: ScopesRef, sink: SupplySink<Message>, parts: ConfigSupplyParts) {
    const { source, statPrefix, name } = ref;
    const stats = parts.stats.scope(`http.${statPrefix}.scoped_rds.${name}`);
    this.#scope = stats;
    this.#ref = ref;
    this.#sink = sink;
    this.#onUnusable = parts.onUnusable;
    this.#stats = {
      reloads: stats.counter('config_reload'),
      reloadTimeMs: stats.gauge('config_reload_time_ms'),
      all: stats.gauge('all_scopes'),
      active: stats.gauge('active_scopes'),
      onDemand: stats.gauge('on_demand_scopes'),
    };
    // Envoy has it; nothing makes it count there either.
    stats.counter('update_empty');
    const { fetchTimeoutMs } = source;
    const names = new Set([ALL_NAMES]);
    const request = { typeUrl: TYPE_URLS.scopedRoute, names, fetchTimeoutMs, stats };
    this.#subscription = parts.sourceOf(source).subscribe(request, {
      onUpdate: (update) => this.#onUpdate(update),
      onFailure: (failure) => {
        if (failure !== 'connection') sink.onGivenUp(REASONS[failure]);
      },
    });
  }

  /** The scopes before the last change are in use again. */
  refuse(reason: string): void {
    const refused = this.#scopes;
    this.#scopes = this.#before;
    // Whatever comes next is shown: what is in use may be older than the last change.
    this.#hasAny = false;
    const changed = [...refused].filter(
      ([name, { hash }]) => this.#before.get(name)?.hash !== hash,
    );
    this.#subscription.refuse(
      changed.map(([name]) => name),
      reason,
    );
    this.#countScopes();
  }

  close(): void {
    this.#subscription.close();
    this.#scope.release();
  }

  #onUpdate(update: DiscoveryUpdate): string {
    const next = this.#read(update);
    const refusal = typeof next === 'string' ? next : this.#use(next, update.version);
    if (refusal === '') return '';
    if (typeof next === 'string') this.#onUnusable(refusal, update.version);
    // As in Envoy, nobody waits for a better one.
    this.#sink.onGivenUp(refusal);
    return refusal;
  }

  /** The scopes as they would be; a text: why not. */
  #read({ resources, removed, isWhole }: DiscoveryUpdate): Scopes | string {
    const next = new Map(isWhole ? [] : this.#scopes);
    for (const name of removed) next.delete(name);
    const seen = new Set<string>();
    for (const { content } of resources) {
      const hash = contentHash(content);
      const read = readDiscovered(content, TYPE_URLS.scopedRoute);
      if (!read.ok) return read.error;
      const message = read.message as ScopedRouteConfiguration;
      const { name } = message;
      if (seen.has(name)) return refused(`duplicate scoped route configuration '${name}' found`);
      seen.add(name);
      const known = this.#scopes.get(name);
      next.set(name, known?.hash === hash ? known : { message, hash });
    }
    return this.#wrongWith(next) || next;
  }

  #wrongWith(scopes: Scopes): string {
    const names = new Map<string, string>();
    for (const [name, { message }] of scopes) {
      const { key, routeConfiguration, routeConfigurationName: routes } = message;
      if (routeConfiguration === undefined) {
        if (routes === '') return 'route_configuration_name is empty.';
        if (this.#ref.routes === null) {
          return `${name}: route_configuration_name: scoped_routes has no rds_config_source to ask`;
        }
      }
      const text = JSON.stringify(key?.fragments.map(({ type }) => type.value ?? '') ?? []);
      const first = names.get(text);
      if (first !== undefined) {
        const both = `first scope is '${first}', second scope is '${name}'`;
        return refused(`scope key conflict found, ${both}`);
      }
      names.set(text, name);
    }
    return '';
  }

  #use(next: Scopes, version: string): string {
    if (!this.#hasAny || !isSame(next, this.#scopes)) {
      const message = create(ScopedRouteConfigurationsListSchema, {
        scopedRouteConfigurations: [...next.values()].map((scope) => scope.message),
      });
      const refusal = this.#sink.onValue(message, version);
      if (refusal !== '') return refusal;
      this.#before = this.#scopes;
    }
    this.#hasAny = true;
    this.#scopes = next;
    this.#stats.reloads.inc();
    this.#stats.reloadTimeMs.set(SYSTEM_CLOCK.wallMs());
    this.#countScopes();
    return '';
  }

  #countScopes(): void {
    const { all, active, onDemand } = this.#stats;
    const { size } = this.#scopes;
    all.set(size);
    active.set(size);
    // Those whose table nobody has asked for yet: here all of them are asked for.
    onDemand.set(0);
  }
}

interface ScopeStats {
  readonly reloads: Counter;
  readonly reloadTimeMs: Gauge;
  readonly all: Gauge;
  readonly active: Gauge;
  readonly onDemand: Gauge;
}

function refused(reason: string): string {
  return `Error adding/updating scoped route(s): ${reason}`;
}

function isSame(left: Scopes, right: Scopes): boolean {
  if (left.size !== right.size) return false;
  return [...left].every(([name, { hash }]) => right.get(name)?.hash === hash);
}
