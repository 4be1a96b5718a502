// Supplies a route table by its name (RDS), with the virtual hosts that a server tells beside those of
// the table (VHDS): the table is shown with all of them, or as it was before.
import { create, type Message } from '@bufbuild/protobuf';
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../../api/gen/envoy/config/route/v3/route_pb.js';
import type { ConfigSourceConfig, DiscoveredRef } from '../../model/config-source.ts';
import type { Counter, Gauge } from '../../stats/metrics.ts';
import { TYPE_URLS } from '../../xds/resource-types.ts';
import type { Supply, SupplySink } from '../need-keeper.ts';
import { SYSTEM_CLOCK } from '../system-clock.ts';
import { HostSupply } from './host-supply.ts';
import { type ConfigSupplyParts, SourceSupply } from './supply-from-source.ts';

/** A version of the table itself. */
interface Table {
  readonly message: RouteConfiguration;
  readonly version: string;
  /** null: it has all its virtual hosts itself. */
  readonly vhds: ConfigSourceConfig | null;
}

/** See the file's head. */
export class RouteSupply implements Supply {
  readonly #ref: DiscoveredRef;
  readonly #sink: SupplySink<Message>;
  readonly #parts: ConfigSupplyParts;
  readonly #supply: SourceSupply;
  readonly #reloads: Counter;
  readonly #reloadTime: Gauge;
  /** null: the table has all its virtual hosts itself. */
  #hosts: HostSupply | null = null;
  /** null: none was taken yet. */
  #table: Table | null = null;
  /** The one in use, while another one waits for its virtual hosts. */
  #shown: Table | null = null;
  /** What `refuse` returns to. */
  #before: Table | null = null;
  /** What changed last of what is in use. */
  #changed: 'table' | 'hosts' = 'table';

  constructor(ref: DiscoveredRef, sink: SupplySink<Message>, parts: ConfigSupplyParts) {
    this.#ref = ref;
    this.#sink = sink;
    this.#parts = parts;
    const { name, source: from, statsScope } = ref;
    const { sourceOf, onUnusable } = parts;
    // As Envoy: connection managers share a subscription, which counts below the first of them.
    const stats = parts.stats.scope(statsScope ?? `rds.${name}`);
    const updateEmpty = stats.counter('update_empty');
    this.#reloads = stats.counter('config_reload');
    this.#reloadTime = stats.gauge('config_reload_time_ms');
    this.#supply = new SourceSupply({
      ...{ name, from, sourceOf, onUnusable, stats },
      typeUrl: TYPE_URLS.route,
      onAbsent: () => updateEmpty.inc(),
      sink: {
        onValue: (message, version) => this.#onTable(message as RouteConfiguration, version),
        onGivenUp: (reason) => sink.onGivenUp(reason),
      },
      unexpected: (other) => `Unexpected RDS configuration (expecting ${name}): ${other}`,
    });
  }

  /** What was in use before the last change is in use again. */
  refuse(reason: string): void {
    if (this.#changed === 'hosts') {
      this.#hosts?.refuse(reason);
      return;
    }
    const before = this.#before;
    this.#table = before;
    this.#shown = before;
    this.#before = null;
    const vhds = before?.vhds ?? null;
    if (vhds?.key !== this.#hosts?.from.key) this.#follow(vhds);
    this.#supply.refuse(reason);
  }

  close(): void {
    this.#supply.close();
    this.#hosts?.close();
  }

  #onTable(message: RouteConfiguration, version: string): string {
    const checked = this.#parts.checkRoutes(message);
    if (!checked.ok) return checked.error;
    const { vhds } = checked;
    const table = { message, version, vhds };
    const kept = this.#hosts?.from.key === vhds?.key ? this.#hosts : null;
    // A table whose virtual hosts are on their way waits for them, and the one before serves.
    const isComplete = vhds === null || kept?.isWaiting === false;
    const refusal = isComplete ? this.#show(table, kept) : '';
    if (refusal !== '') return refusal;
    this.#table = table;
    this.#reloads.inc();
    this.#reloadTime.set(SYSTEM_CLOCK.wallMs());
    if (kept === null) this.#follow(vhds);
    return '';
  }

  #follow(from: ConfigSourceConfig | null): void {
    this.#hosts?.close();
    if (from === null) {
      this.#hosts = null;
      return;
    }
    const hosts: HostSupply = new HostSupply(this.#ref, from, {
      ...this.#parts,
      onHosts: () => (this.#table === null ? '' : this.#show(this.#table, hosts)),
      onGivenUp: () => {
        if (this.#table !== null) this.#show(this.#table, hosts);
      },
    });
    this.#hosts = hosts;
  }

  #show(table: Table, hosts: HostSupply | null): string {
    const { message, version } = table;
    const virtualHosts = [...message.virtualHosts, ...(hosts?.hosts() ?? [])];
    const whole =
      hosts === null
        ? message
        : Object.assign(create(RouteConfigurationSchema), message, { virtualHosts });
    const refusal = this.#sink.onValue(whole, version);
    if (refusal !== '') return refusal;
    this.#changed = table === this.#shown ? 'hosts' : 'table';
    if (table !== this.#shown) this.#before = this.#shown;
    this.#shown = table;
    return '';
  }
}
