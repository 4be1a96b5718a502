// From accepted resources to serving ones. What a resource needs (secrets) is fetched when it is
// accepted; until it is there the resource warms, and the version before it serves. What may serve
// goes to the workers, and then whoever follows resources is told.
import type { Secret } from '../api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { Logger } from '../base/log.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { RejectedResource, Resource, ResourceUpdate } from '../model/resource.ts';
import type { SecretRef } from '../model/secret.ts';
import { checkMessage } from './check-message.ts';
import type { Configuration } from './configuration.ts';
import { SecretKeeper } from './secrets/secret-keeper.ts';
import { secretsOfCluster, secretsOfListener } from './secrets/secret-refs.ts';
import { SecretSupplies, type SupplyParts } from './secrets/secret-supplies.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';

/** A change that serves. */
export interface AppliedUpdate {
  readonly update: ResourceUpdate;
  /** The clusters in it, compiled. */
  readonly clusters: readonly ClusterConfig[];
}

/** What a publisher works with. */
export interface PublisherParts {
  readonly configuration: Configuration;
  readonly stats: SupplyParts['stats'];
  readonly log: Logger;
  /** Tells all workers; resolves with what any of them could not use. */
  readonly send: (update: ResourceUpdate) => Promise<readonly RejectedResource[]>;
  /** What the rest of the primary does about it. */
  readonly onServing: (applied: AppliedUpdate) => void;
}

/** One per process. */
export class Publisher {
  readonly secrets: SecretKeeper;
  /** Wall-clock ms: nothing was fetched before. */
  readonly startedMs = SYSTEM_CLOCK.wallMs();
  readonly #parts: PublisherParts;
  readonly #supplies: SecretSupplies;
  #whenWarm: (() => void) | null = null;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    const { configuration, stats, log } = parts;
    const findStatic = (name: string): Secret | null => configuration.staticSecret(name);
    this.#supplies = new SecretSupplies({ findStatic, stats, log });
    this.secrets = new SecretKeeper({
      use: (key, secret, version) => this.#useSecret(key, secret, version),
      drop: (name) => void this.#apply({ upserted: [], removed: [{ kind: 'secret', name }] }),
      open: this.#supplies.open,
      onSettled: () => this.#promoteReady(),
      log,
    });
  }

  /**
   * Takes resources over that passed every check alone; resolves when the workers have swapped in
   * what may serve now. The rest follows by itself.
   */
  async publish(update: ResourceUpdate, version: string): Promise<void> {
    this.#supplies.refreshStatic(version);
    for (const resource of update.upserted) {
      const user = userOf(resource);
      // The version in use still needs its own.
      this.secrets.retain(`${user} next`, this.#needsOf(resource));
    }
    await this.#apply(update);
  }

  /** Resolves when nothing warms any more: each wait has its end. */
  settled(): Promise<void> {
    if (!this.#isWarming()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenWarm = resolve;
    });
  }

  stop(): void {
    this.secrets.stop();
  }

  async #apply(update: ResourceUpdate): Promise<void> {
    const { store } = this.#parts.configuration;
    const { accepted, outcome } = store.publish(update, (resource) => this.#mayServe(resource));
    for (const { kind, name } of outcome.rejected) {
      throw new Error(`${kind} '${name}' was accepted with its bootstrap and refused alone`);
    }
    await this.#serve(accepted);
  }

  async #serve(update: ResourceUpdate): Promise<void> {
    const { configuration, send, onServing } = this.#parts;
    const refused = await send(update);
    for (const rejected of refused) this.#takeBack(rejected);
    for (const resource of update.upserted) this.#settleUser(resource);
    for (const { kind, name } of update.removed) {
      this.secrets.release(`${kind}/${name}`);
      this.secrets.release(`${kind}/${name} next`);
    }
    const compiler = configuration.compiler();
    const clusters = update.upserted
      .filter(({ kind }) => kind === 'cluster')
      .map((resource) => compiler.cluster(resource).config as ClusterConfig);
    onServing({ update, clusters });
  }

  /** It serves: what its predecessor needed may go. */
  #settleUser(resource: Resource): void {
    if (resource.kind === 'secret') return;
    const user = userOf(resource);
    this.secrets.retain(user, this.#needsOf(resource));
    this.secrets.release(`${user} next`);
  }

  /** What workers could not use (an address is taken) counts as refused like what is malformed. */
  #takeBack({ kind, name, problems }: RejectedResource): void {
    const { configuration, log } = this.#parts;
    const details = problems.map(({ reason }) => reason).join('; ');
    log.log('error', `error updating ${kind} '${name}', it stays as it was: ${details}`);
    configuration.store.takeBack(kind, name, details);
  }

  #needsOf(resource: Resource): readonly SecretRef[] {
    const compiler = this.#parts.configuration.compiler();
    if (resource.kind === 'cluster') {
      return secretsOfCluster(compiler.cluster(resource).config as ClusterConfig);
    }
    if (resource.kind !== 'listener') return [];
    return secretsOfListener(compiler.listener(resource).config as ListenerConfig);
  }

  #mayServe(resource: Resource): boolean {
    return this.#needsOf(resource).every(({ key }) => this.secrets.isSettled(key));
  }

  #useSecret(name: string, message: Secret, version: string): string {
    const refusal = checkMessage(message);
    if (refusal !== '') return refusal;
    const { store } = this.#parts.configuration;
    const resource: Resource = { kind: 'secret', name, version, message };
    const { accepted, outcome } = store.publish({ upserted: [resource], removed: [] });
    const [rejected] = outcome.rejected;
    if (rejected !== undefined) {
      return rejected.problems.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
    }
    void this.#serve(accepted);
    return '';
  }

  #promoteReady(): void {
    const { store } = this.#parts.configuration;
    const upserted: Resource[] = [];
    for (const kind of ['cluster', 'listener'] as const) {
      for (const { resource } of store.warming(kind)) {
        if (!this.#mayServe(resource)) continue;
        const warm = store.promote(kind, resource.name);
        if (warm !== null) upserted.push(warm);
      }
    }
    void this.#serve({ upserted, removed: [] }).then(() => {
      if (this.#isWarming()) return;
      this.#whenWarm?.();
      this.#whenWarm = null;
    });
  }

  #isWarming(): boolean {
    const { store } = this.#parts.configuration;
    return store.warming('cluster').length + store.warming('listener').length > 0;
  }
}

function userOf({ kind, name }: Resource): string {
  return `${kind}/${name}`;
}
