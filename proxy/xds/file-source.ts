// Resources out of a file (core.v3.PathConfigSource): read at the first subscription and whenever
// its watch says that it changed.
import { hash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { DiscoveryResponseSchema } from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { atOnce, takeAllSteps } from '../base/steps.ts';
import type { TimerWheel } from '../base/timer-wheel.ts';
import { readDiscoveryFile } from '../config/read-discovery.ts';
import type { SourceText } from '../config/source/source-file.ts';
import {
  ALL_NAMES,
  type DiscoveryRequest,
  type DiscoverySink,
  type DiscoverySubscription,
  type OpenSource,
} from './discovery.ts';
import { resourceType } from './resource-types.ts';
import { StateOfWorld } from './state-of-world.ts';
import type { ReceivedReport, StreamReport } from './stream-report.ts';
import type { ReceivedUpdate } from './type-machine.ts';
import type { Pacing } from './watch-services.ts';
import { type InterestSink, WatchSet } from './watch-set.ts';

/** What a file is read with. */
export interface FileSourceParts {
  readonly path: string;
  /** What the file holds is of this type. */
  readonly typeUrl: string;
  /** Rejects when it cannot be read. */
  readonly read: (path: string) => Promise<SourceText>;
  /** Begins to watch; the answer ends it. */
  readonly watch: (onChange: () => void) => () => void;
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly log: Logger;
  readonly pacing?: Pacing;
}

/** See the file's head. */
export class FileSource implements OpenSource, InterestSink {
  readonly #parts: FileSourceParts;
  readonly #machine: StateOfWorld;
  readonly #watches: WatchSet;
  readonly #unwatch: () => void;
  readonly #planned = () => this.#settle();
  /** What it said when it could be used last. */
  #latest: ReceivedUpdate | null = null;
  /** Of what was read last; '' : nothing was, or it may be right when somebody touches it again. */
  #digest = '';
  /** Wanted since it was told last. */
  readonly #fresh = new Set<string>();
  /** Of what is in use, and of what it said last. */
  #version = '';
  #received: ReceivedReport | null = null;
  #isPlanned = false;
  /** It is read, or somebody is told what it says. */
  #isReading = false;
  /** It changed since it was read. */
  #isStale = true;
  #isConnected = false;
  #isClosed = false;

  constructor(parts: FileSourceParts) {
    this.#parts = parts;
    const type = resourceType(parts.typeUrl);
    this.#machine = new StateOfWorld(type);
    const { clock, log, timers } = parts;
    this.#watches = new WatchSet(type, this, {
      ...{ clock, log, timers, label: 'Filesystem config' },
      ...(parts.pacing !== undefined && { pacing: parts.pacing }),
    });
    this.#unwatch = parts.watch(() => {
      this.#isStale = true;
      this.onChange();
    });
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  subscribe(request: DiscoveryRequest, sink: DiscoverySink): DiscoverySubscription {
    return this.#watches.add(request, sink);
  }

  /** Nobody is asked, and nobody hears of acknowledgements. */
  pause(): () => void {
    return () => undefined;
  }

  reports(): readonly StreamReport[] {
    return [
      {
        ...{ server: this.#parts.path, variant: 'file', isAggregated: false, controlPlane: '' },
        isConnected: this.#isConnected,
        types: [{ ...this.#machine.report(), version: this.#version, received: this.#received }],
      },
    ];
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unwatch();
    this.#watches.close();
  }

  want(name: string): void {
    this.#fresh.add(name);
    this.#machine.want(name);
  }

  unwant(name: string): void {
    this.#fresh.delete(name);
    this.#machine.unwant(name);
  }

  forget(): void {}

  /** Nobody is told. */
  retract(): void {}

  onChange(): void {
    if (this.#isPlanned || this.#isClosed) return;
    this.#isPlanned = true;
    queueMicrotask(this.#planned);
  }

  #settle(): void {
    this.#isPlanned = false;
    if (this.#isClosed) return;
    this.#watches.settle();
    if (this.#watches.isEmpty) return;
    // Behind what is told now.
    if (this.#isReading) return;
    if (this.#isStale) void this.#read();
    else void this.#tellFresh();
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    this.#isStale = false;
    const { path, read } = this.#parts;
    let source: SourceText | null = null;
    let reason = '';
    try {
      source = await read(path);
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    this.#isConnected = source !== null;
    if (!this.#isClosed) {
      if (source === null) this.#fail(reason);
      else await this.#take(source);
    }
    this.#isReading = false;
    if (this.#isStale || this.#fresh.size > 0) this.onChange();
  }

  async #take(source: SourceText): Promise<void> {
    // Something else of its directory changed.
    const digest = hash('sha256', source.content, 'base64');
    if (digest === this.#digest) return;
    this.#digest = '';
    const file = readDiscoveryFile(source);
    if (!file.ok) {
      this.#fail(file.report);
      return;
    }
    const { resources, version } = file;
    const { typeUrl } = this.#parts;
    const response = create(DiscoveryResponseSchema, { typeUrl, versionInfo: version });
    response.resources = [...resources];
    const pause = this.#parts.pacing?.() ?? atOnce;
    const reading = await takeAllSteps(this.#machine.read(response), pause);
    if (this.#isClosed) return;
    this.#fresh.clear();
    if (reading.ok) {
      this.#latest = reading.update;
      const error = await this.#watches.deliver(reading.update);
      if (error === '') {
        this.#version = version;
        this.#digest = digest;
      }
      this.#received = { version, nonce: '', error };
    } else {
      this.#received = { version, nonce: '', error: reading.error };
      this.#watches.refuse(reading.error);
    }
  }

  /** Names that were not wanted when the file was read. */
  async #tellFresh(): Promise<void> {
    if (this.#latest === null || this.#fresh.size === 0) return;
    const fresh = new Set(this.#fresh);
    this.#fresh.clear();
    const { isWhole, resources } = this.#latest;
    const isAll = isWhole || fresh.has(ALL_NAMES);
    const found = isAll ? resources : resources.filter(({ name }) => fresh.has(name));
    if (found.length === 0 && !isAll) return;
    const answer = this.#watches.deliver({ ...this.#latest, resources: found });
    if (typeof answer === 'string') return;
    this.#isReading = true;
    await answer;
    this.#isReading = false;
    if (this.#isStale || this.#fresh.size > 0) this.onChange();
  }

  #fail(reason: string): void {
    const { log, path } = this.#parts;
    log.log('warning', `Filesystem config update failure: ${path}: ${reason}`);
    this.#received = { version: '', nonce: '', error: reason };
    this.#watches.fail('rejected');
  }
}
