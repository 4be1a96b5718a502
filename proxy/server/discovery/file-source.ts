// Resources out of a file that is watched (core.v3.PathConfigSource), for all who want some of it.
// A file that cannot be read changes nothing: what was read before stays in use.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type Resource,
  ResourceSchema,
} from '../../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { apiRegistry } from '../../api/registry.ts';
import type { Logger } from '../../base/log.ts';
import { type DiscoveryFile, readDiscoveryFile } from '../../config/read-discovery.ts';
import { openAny } from '../../config/schema/any.ts';
import {
  ALL_NAMES,
  type DiscoveredResource,
  type DiscoveryRequest,
  type DiscoverySink,
  type DiscoverySource,
  type DiscoverySubscription,
  type DiscoveryUpdate,
} from '../../xds/discovery.ts';
import { resourceType } from '../../xds/resource-types.ts';
import { SubscriptionStats } from '../../xds/subscription-stats.ts';
import { DirectoryWatch } from '../directory-watch.ts';
import { SYSTEM_CLOCK } from '../system-clock.ts';

/** See the file's head. */
export class FileSource implements DiscoverySource {
  readonly #path: string;
  readonly #log: Logger;
  readonly #watch: DirectoryWatch;
  readonly #subscribers = new Set<FileSubscription>();
  /** null: it cannot be used as it is. */
  #content: Extract<DiscoveryFile, { readonly ok: true }> | null = null;
  /** Nobody wants anything of it any more. */
  onUnused: (() => void) | null = null;

  /** `directory`: what is watched; '' for the file's own. */
  constructor(path: string, directory: string, log: Logger) {
    this.#path = path;
    this.#log = log;
    const watched = directory === '' ? dirname(path) : directory;
    this.#watch = new DirectoryWatch(watched, log, () => this.#refresh());
    this.#read();
  }

  subscribe(request: DiscoveryRequest, sink: DiscoverySink): DiscoverySubscription {
    const subscription = new FileSubscription(request, sink, () => {
      this.#subscribers.delete(subscription);
      if (this.#subscribers.size === 0) this.#close();
    });
    this.#subscribers.add(subscription);
    // Nobody is told inside this call.
    setImmediate(() => this.#tell(subscription));
    return subscription;
  }

  pause(): () => void {
    return () => undefined;
  }

  #close(): void {
    this.#watch.close();
    this.onUnused?.();
  }

  #refresh(): void {
    if (!this.#read()) return;
    for (const subscription of [...this.#subscribers]) this.#tell(subscription);
  }

  /** False: it says what it said, or it cannot be used. */
  #read(): boolean {
    let content: Uint8Array;
    try {
      content = readFileSync(this.#path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.#log.log('warning', `${this.#path} cannot be read: ${code ?? String(error)}`);
      for (const each of this.#subscribers) each.stats?.countFailure();
      return false;
    }
    const file = readDiscoveryFile({ name: this.#path, content });
    if (!file.ok) {
      this.#log.log(
        'error',
        `${this.#path} is refused, what was read before stays\n${file.report}`,
      );
      for (const each of this.#subscribers) each.stats?.countRejected();
      return false;
    }
    this.#content = file;
    return true;
  }

  #tell(subscription: FileSubscription): void {
    const content = this.#content;
    if (content === null || subscription.isClosed) return;
    const { typeUrl } = subscription.request;
    const foreign = content.resources.find((any) => contentOf(any).any?.typeUrl !== typeUrl);
    const refusal =
      foreign === undefined
        ? subscription.tell(content.version, content.resources)
        : `type URL ${foreign.typeUrl} does not match the message-wide type URL ${typeUrl} in DiscoveryResponse`;
    if (refusal === '') return;
    this.#log.log('warning', `resources of ${this.#path} are refused: ${refusal}`);
    if (foreign !== undefined) subscription.stats?.countRejected();
  }
}

class FileSubscription implements DiscoverySubscription {
  readonly request: DiscoveryRequest;
  readonly stats: SubscriptionStats | null;
  isClosed = false;
  readonly #sink: DiscoverySink;
  readonly #onClose: () => void;
  #names: ReadonlySet<string>;
  #timer: NodeJS.Timeout | null = null;

  constructor(request: DiscoveryRequest, sink: DiscoverySink, onClose: () => void) {
    this.request = request;
    this.#sink = sink;
    this.#onClose = onClose;
    this.#names = request.names;
    this.stats = request.stats === null ? null : new SubscriptionStats(request.stats);
    this.stats?.countAttempt();
    if (request.fetchTimeoutMs === 0) return;
    this.#timer = setTimeout(() => this.#giveUp(), request.fetchTimeoutMs);
    this.#timer.unref();
  }

  setNames(names: ReadonlySet<string>): void {
    this.#names = names;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#settle();
    this.#onClose();
  }

  /** Why it was refused, '' when it is in use. */
  tell(version: string, all: readonly Any[]): string {
    const { typeUrl } = this.request;
    const isWildcard = this.#names.has(ALL_NAMES);
    const named = all.map((any) => asResource(any, version));
    const resources = isWildcard ? named : named.filter(({ name }) => this.#names.has(name));
    const { isWhole } = resourceType(typeUrl);
    // Others' resources are no news for who waits for one by name.
    if (resources.length === 0 && !isWildcard) return '';
    this.#settle();
    const update: DiscoveryUpdate = { typeUrl, version, resources, removed: [], isWhole };
    const beganMs = performance.now();
    const refusal = this.#sink.onUpdate(update);
    if (refusal !== '') this.stats?.countRejected();
    else this.stats?.countSuccess(version, SYSTEM_CLOCK.wallMs(), performance.now() - beganMs);
    return refusal;
  }

  #giveUp(): void {
    this.#timer = null;
    this.stats?.countFetchTimeout();
    this.#sink.onFailure('fetch-timeout');
  }

  #settle(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** What a wrapper holds, or the resource itself. */
function contentOf(any: Any): { readonly any: Any | undefined; readonly wrapper: Resource | null } {
  if (!any.typeUrl.endsWith(`/${ResourceSchema.typeName}`)) return { any, wrapper: null };
  const wrapper = openAny(any, apiRegistry)?.message as Resource | undefined;
  return { any: wrapper?.resource, wrapper: wrapper ?? null };
}

function asResource(outer: Any, version: string): DiscoveredResource {
  const { any, wrapper } = contentOf(outer);
  const content = any ?? outer;
  const message = openAny(content, apiRegistry)?.message as
    | { readonly name?: string; readonly clusterName?: string }
    | undefined;
  const named = message?.name ?? message?.clusterName ?? '';
  return { name: wrapper?.name || named, version: wrapper?.version || version, content };
}
