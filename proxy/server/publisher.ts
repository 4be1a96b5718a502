// From accepted resources to serving ones. What a resource needs (secrets, route tables) is fetched
// when it is accepted; until it is there the resource warms, and the version before it serves. What
// may serve goes to the workers, and then whoever follows resources is told.
import type { Message } from '@bufbuild/protobuf';
import type { Secret } from '../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { Logger } from '../base/log.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { DiscoveredRef, ScopesRef } from '../model/config-source.ts';
import { isFilterRef } from '../model/discovered-filter.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { Resource, ResourceUpdate, UpdateOutcome } from '../model/resource.ts';
import type { SecretRef } from '../model/secret.ts';
import type { Gauge } from '../stats/metrics.ts';
import { isDiscovered } from './apply-discovered.ts';
import { checkMessage } from './check-message.ts';
import { configKeeper, problemText } from './config-keeper.ts';
import type { Configuration } from './configuration.ts';
import { ManagerCounts } from './manager-counts.ts';
import { NeedKeeper } from './need-keeper.ts';
import {
  type Needs,
  NO_NEEDS,
  needsOfCluster,
  needsOfFilter,
  needsOfListener,
  needsOfScopes,
} from './needs-of.ts';
import { portionsOf } from './portions.ts';
import { canWarm, promoteUsers, userOf, WARMING_KINDS, type WarmingKind } from './promotion.ts';
import type { RefusedByWorkers } from './refused-by-workers.ts';
import { runInSlices, takeSteps } from './run-in-slices.ts';
import { SecretSupplies, type SupplyParts } from './secrets/secret-supplies.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';
import { UpdateBatch } from './update-batch.ts';
import { WarmWaiters } from './warm-waiters.ts';

/** A change that serves. */
export interface AppliedUpdate {
  readonly update: ResourceUpdate;
  /** The clusters in it, compiled. */
  readonly clusters: readonly ClusterConfig[];
}

/** What a publisher works with. */
export interface PublisherParts extends Pick<SupplyParts, 'stats' | 'sourceOf'> {
  readonly configuration: Configuration;
  readonly log: Logger;
  /** Tells all workers; resolves with what any of them could not use. */
  readonly send: (update: ResourceUpdate) => Promise<readonly RefusedByWorkers[]>;
  /** A version that was accepted is of no use after all; the one before it is in use again. */
  readonly onTakenBack: (resource: Resource, reason: string) => void;
  /** What the rest of the primary does about it; the next one waits until it is done. */
  readonly onServing: (applied: AppliedUpdate) => Promise<void>;
}

/** What is said of such a version, in the log, in /config_dump and to its server. */
const ENDED_WORKERS =
  'ended two workers that took it over, and is not taken again until it changes';

/** One per process. */
export class Publisher {
  readonly secrets: NeedKeeper<SecretRef, Secret>;
  readonly configs: NeedKeeper<DiscoveredRef, Message>;
  readonly counts: ManagerCounts;
  /** Wall-clock ms: nothing was fetched before. */
  readonly startedMs = SYSTEM_CLOCK.wallMs();
  readonly #parts: PublisherParts;
  readonly #supplies: SecretSupplies;
  readonly #batch: UpdateBatch;
  /** Workers do not know of what waits here. */
  readonly #warmingGauges: ReadonlyMap<WarmingKind, Gauge>;
  /** What was sent to workers is followed up to here. */
  #followed: Promise<void> = Promise.resolve();
  readonly #warm: WarmWaiters;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    const { configuration, log, sourceOf, stats } = parts;
    this.counts = new ManagerCounts(stats);
    this.#warm = new WarmWaiters((kind) => configuration.store.hasWarming(kind));
    this.#warmingGauges = new Map([
      ['cluster', stats.scope('cluster_manager').gauge('warming_clusters')],
      ['listener', stats.scope('listener_manager').gauge('total_listeners_warming')],
    ]);
    const findStatic = (name: string): Secret | null => configuration.staticSecret(name);
    this.#supplies = new SecretSupplies({ findStatic, stats, log, sourceOf });
    this.#batch = new UpdateBatch((update) => this.#serve(update));
    const shared = { onSettled: (users: Iterable<string>) => this.#promoteUsers(users), log };
    this.secrets = new NeedKeeper<SecretRef, Secret>({
      ...shared,
      noun: 'secret',
      use: ({ key }, secret, version) => this.#useSecret(key, secret, version),
      drop: ({ key }) => this.#drop('secret', key),
      open: this.#supplies.open,
      isKnown: ({ initial }) => initial !== null,
    });
    this.configs = configKeeper({
      ...{ ...shared, configuration, sourceOf, stats },
      use: (resource) => this.#useNeed(resource),
      drop: (kind, name) => this.#drop(kind, name),
    });
  }

  /**
   * Takes resources of the bootstrap over, which passed every check alone; resolves when the workers
   * have swapped in what may serve now. The rest follows by itself.
   */
  async publish(update: ResourceUpdate, version: string): Promise<void> {
    this.#supplies.refreshStatic(version);
    const serving: Promise<void>[] = [];
    await runInSlices(this.#publishPortions(update, serving));
    await Promise.all(serving);
  }

  *#publishPortions(update: ResourceUpdate, serving: Promise<void>[]): Generator<void, void> {
    for (const portion of portionsOf(update)) {
      const { outcome, whenServing } = this.#submit(portion);
      // Whoever waits for all of them hears of it.
      whenServing.catch(() => undefined);
      serving.push(whenServing);
      for (const { kind, name } of outcome.rejected) {
        throw new Error(`${kind} '${name}' was accepted with its bootstrap and refused alone`);
      }
      yield;
    }
  }

  /** Takes resources over that may be wrong: what is good of them is used, the rest is answered. */
  submit(update: ResourceUpdate): UpdateOutcome {
    return this.#submit(update).outcome;
  }

  /** Resolves when nothing of these kinds warms any more and serves: each wait has its end. */
  async settled(kinds: readonly WarmingKind[] = WARMING_KINDS): Promise<void> {
    await this.#warm.wait(kinds);
    await this.#batch.applied();
  }

  /** Resolves when all that was submitted by now is in use, or warms. */
  applied(): Promise<void> {
    return this.#batch.applied();
  }

  stop(): void {
    this.secrets.stop();
    this.configs.stop();
  }

  #submit(update: ResourceUpdate): {
    readonly outcome: UpdateOutcome;
    readonly whenServing: Promise<void>;
  } {
    const { configuration } = this.#parts;
    const { accepted, warming, outcome } = configuration.store.publish(update, (it) =>
      this.#admit(it),
    );
    configuration.onAccepted({
      upserted: [...accepted.upserted, ...warming],
      removed: accepted.removed,
    });
    this.counts.onAccepted(accepted, warming);
    for (const gone of accepted.removed) this.#release(gone);
    this.#countWarming();
    return { outcome, whenServing: this.#batch.add(accepted) };
  }

  async #serve(update: ResourceUpdate): Promise<void> {
    const refused = await this.#parts.send(update);
    // What follows takes a while for many clusters, and goes on in the order of the updates.
    const followed = this.#followed.then(() => this.#follow(update, refused));
    this.#followed = followed.catch(() => undefined);
    await followed;
  }

  async #follow(update: ResourceUpdate, refused: readonly RefusedByWorkers[]): Promise<void> {
    const { configuration, onServing } = this.#parts;
    this.counts.onServing(update, refused);
    for (const rejected of refused) this.#onRefused(rejected, update);
    await runInSlices(this.#settleUsers(update.upserted));
    const compiler = configuration.compiler();
    const clusters = update.upserted
      // What was taken back or replaced meanwhile is followed by its own update.
      .filter((resource) => resource.kind === 'cluster' && this.#isCurrent(resource))
      .map((resource) => compiler.cluster(resource).config as ClusterConfig);
    await onServing({ update, clusters });
    this.#warm.tell();
  }

  *#settleUsers(resources: readonly Resource[]): Generator<void, void> {
    for (const resource of resources) {
      this.#settleUser(resource);
      yield;
    }
  }

  /** It serves: what its predecessor needed may go. */
  #settleUser(resource: Resource): void {
    const { kind, name } = resource;
    if (!canWarm(kind)) return;
    const { store } = this.#parts.configuration;
    if (this.#isCurrent(resource)) this.#retain(userOf(resource), this.#needsOf(resource));
    // A newer one may wait already.
    if (store.newest(kind, name) === resource) this.#retain(userOf(resource, true), NO_NEEDS);
  }

  /** What workers could not use (an address is taken) counts as refused like what is malformed. */
  #onRefused({ kind, name, problems, isHeld }: RefusedByWorkers, update: ResourceUpdate): void {
    const resource = update.upserted.find((one) => one.kind === kind && one.name === name);
    if (resource === undefined || !this.#isCurrent(resource)) return;
    const details = problems.map(({ reason }) => reason).join('; ');
    const { log } = this.#parts;
    log.log('error', `error updating ${kind} '${name}', it stays as it was: ${details}`);
    const again = this.#takeBack(resource, details);
    if (isHeld) void this.#batch.add(again);
  }

  /** These ended workers: the version before each is in use again, and they are not taken again. */
  rollBack(resources: readonly Resource[]): void {
    const { configuration, log } = this.#parts;
    for (const resource of resources) {
      const { kind, name, version } = resource;
      configuration.store.condemn(resource, ENDED_WORKERS);
      if (!this.#isCurrent(resource)) continue;
      const again = this.#takeBack(resource, ENDED_WORKERS);
      const what =
        again.upserted.length > 0 ? 'the version before it is in use again' : 'it is gone';
      log.log('critical', `${kind} '${name}' version '${version}' ${ENDED_WORKERS}: ${what}`);
      void this.#batch.add(again);
    }
  }

  /** Answers what workers have to be told, if they do not know. */
  #takeBack(resource: Resource, reason: string): ResourceUpdate {
    const { configuration, onTakenBack } = this.#parts;
    const { kind, name } = resource;
    const previous = configuration.store.takeBack(kind, name, reason);
    this.#retain(userOf(resource, true), NO_NEEDS);
    onTakenBack(resource, reason);
    if (kind === 'secret') this.secrets.refuse(name, reason);
    else if (isDiscovered(kind)) this.configs.refuse(name, reason);
    if (previous !== null) {
      if (kind === 'scopes') this.#retain(userOf(resource), this.#needsOf(previous));
      if (isDiscovered(kind)) this.#promoteUsers(this.configs.usersOf(name));
      return { upserted: [previous], removed: [] };
    }
    const removed = { upserted: [], removed: [{ kind, name }] };
    configuration.onAccepted(removed);
    this.counts.onTakenOut(resource);
    this.#release(resource);
    return removed;
  }

  #isCurrent(resource: Resource): boolean {
    const { kind, name } = resource;
    return this.#parts.configuration.store.get(kind, name)?.resource === resource;
  }

  #needsOf(resource: Resource): Needs {
    const compiler = this.#parts.configuration.compiler();
    if (resource.kind === 'cluster') {
      return needsOfCluster(compiler.cluster(resource).config as ClusterConfig);
    }
    if (resource.kind === 'network-filter') {
      return needsOfFilter(compiler.filter(resource, resource.kind).config);
    }
    if (resource.kind === 'scopes') {
      const [ref] = this.configs.refsOf(resource.name);
      return needsOfScopes(compiler.scopes(resource).config, ref as ScopesRef | undefined);
    }
    if (resource.kind !== 'listener') return NO_NEEDS;
    return needsOfListener(compiler.listener(resource).config as ListenerConfig);
  }

  /** Has what it needs fetched; the version in use still needs its own. True: all of it is there. */
  #admit(resource: Resource): boolean {
    // One scope that has to wait for its table keeps no other one waiting.
    if (resource.kind === 'scopes') {
      this.#retain(userOf(resource), this.#needsOf(resource));
    }
    if (!canWarm(resource.kind)) return true;
    this.#retain(userOf(resource, true), this.#needsOf(resource));
    return this.#mayServe(resource);
  }

  #mayServe(resource: Resource): boolean {
    const { secrets, configs } = this.#needsOf(resource);
    const hasSecrets = secrets.every(({ key }) => this.secrets.isSettled(key));
    return hasSecrets && configs.every((ref) => this.#isThere(ref));
  }

  /** Nobody has to wait for it, nor for what it needs itself. */
  #isThere(ref: DiscoveredRef): boolean {
    if (isFilterRef(ref) && !ref.isAwaited) return true;
    if (!this.configs.isSettled(ref.key)) return false;
    const resource = this.#parts.configuration.store.newest(ref.kind, ref.key);
    return resource === null || this.#mayServe(resource);
  }

  #retain(user: string, { secrets, configs }: Needs): void {
    this.secrets.retain(user, secrets);
    this.configs.retain(user, configs);
  }

  #release(gone: Pick<Resource, 'kind' | 'name'>): void {
    this.#retain(userOf(gone), NO_NEEDS);
    this.#retain(userOf(gone, true), NO_NEEDS);
  }

  #drop(kind: Resource['kind'], name: string): void {
    this.#submit({ upserted: [], removed: [{ kind, name }] });
  }

  #useSecret(name: string, message: Secret, version: string): string {
    const refusal = checkMessage(message);
    return refusal === '' ? this.#useNeed({ kind: 'secret', name, version, message }) : refusal;
  }

  #useNeed(resource: Resource): string {
    const [rejected] = this.submit({ upserted: [resource], removed: [] }).rejected;
    if (rejected !== undefined) return problemText(rejected);
    // It may need less than what it replaces.
    if (resource.kind !== 'secret') this.#promoteUsers(this.configs.usersOf(resource.name));
    return '';
  }

  /** What these waited for is there. */
  #promoteUsers(users: Iterable<string>): void {
    void takeSteps(this.#promote(users));
  }

  *#promote(users: Iterable<string>): Generator<void, void> {
    yield* promoteUsers(users, {
      store: this.#parts.configuration.store,
      mayServe: (resource) => this.#mayServe(resource),
      usersOf: (key) => this.configs.usersOf(key),
      // At once: what is accepted meanwhile comes behind it.
      onPromoted: (resource) => void this.#batch.add({ upserted: [resource], removed: [] }),
    });
    this.#countWarming();
    this.#warm.tell();
  }

  #countWarming(): void {
    const { store } = this.#parts.configuration;
    for (const [kind, gauge] of this.#warmingGauges) gauge.set(store.countWarming(kind));
  }
}
