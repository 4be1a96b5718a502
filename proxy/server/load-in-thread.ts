// Loading a configuration beside the event loop: reading, decoding and checking ten thousand routes
// takes longer than requests may wait. What comes back are resources in binary form.
import { Worker } from 'node:worker_threads';
import type { LoadedBootstrap } from '../config/load.ts';
import { type ReadSource, SourcePlaces } from '../config/source/places.ts';
import type { Resource } from '../model/resource.ts';
import type { BootstrapOptions } from './bootstrap-source.ts';
import { Compiler } from './compiler.ts';
import { decodeResource, encodeResource, type WireResource } from './link-codec.ts';
import { takeSteps } from './run-in-slices.ts';

/** What a thread tells; a refused configuration has no resources. */
export interface LoadedInThread {
  readonly ok: boolean;
  readonly resources: readonly WireResource[];
  readonly problems: LoadedBootstrap['problems'];
  readonly texts: LoadedBootstrap['texts'];
  readonly sources: readonly ReadSource[];
}

const PROGRAM = new URL('./load-thread.js', import.meta.url);

/** A thread that has nothing to do ends after this: starting one takes longer than most loading. */
const IDLE_MS = 10_000;

/** Loads what the options say, again and again; one loading at a time. */
export class ThreadLoader {
  readonly #options: BootstrapOptions;
  #thread: Worker | null = null;
  #idleTimer: NodeJS.Timeout | null = null;

  constructor(options: BootstrapOptions) {
    const { configPath, configYaml, serviceCluster, serviceNode, serviceZone } = options;
    const { allowUnknownStaticFields } = options;
    // No more than what a thread can be given.
    this.#options = {
      ...{ configPath, configYaml, serviceCluster, serviceNode, serviceZone },
      allowUnknownStaticFields,
    };
  }

  /** Rejects when no thread can be had. */
  load(): Promise<LoadedBootstrap> {
    const thread = this.#begin();
    return new Promise((resolve, reject) => {
      const onEnd = (reason: unknown): void => {
        this.#thread = null;
        const text = `the loading thread ended with ${String(reason)}`;
        reject(reason instanceof Error ? reason : new Error(text));
      };
      thread.once('error', onEnd);
      thread.once('exit', onEnd);
      thread.once('message', (loaded: LoadedInThread) => {
        thread.off('error', onEnd);
        thread.off('exit', onEnd);
        this.#rest(thread);
        try {
          resolve(takeSteps(unpackLoaded(loaded)));
        } catch (error) {
          reject(error as Error);
        }
      });
      thread.postMessage('load');
    });
  }

  #begin(): Worker {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
    this.#thread ??= new Worker(PROGRAM, { workerData: this.#options });
    this.#thread.ref();
    return this.#thread;
  }

  /** It keeps no process alive, and ends when it is not wanted for long. */
  #rest(thread: Worker): void {
    thread.unref();
    this.#idleTimer = setTimeout(() => {
      this.#thread = null;
      void thread.terminate();
    }, IDLE_MS);
    this.#idleTimer.unref();
  }
}

/** Makes a loaded configuration fit for structured cloning. */
export function packLoaded(loaded: LoadedBootstrap): LoadedInThread {
  const { ok, problems, texts } = loaded;
  if (!ok) return { ok, resources: [], problems, texts, sources: [] };
  const resources = loaded.resources.map(encodeResource);
  return { ok, resources, problems, texts, sources: loaded.places.sources };
}

/** In short steps: there may be thousands. */
function* unpackLoaded({ ok, ...packed }: LoadedInThread): Generator<void, LoadedBootstrap> {
  const { problems, texts } = packed;
  if (!ok) return { ok: false, problems, texts };
  const resources: Resource[] = [];
  for (const wire of packed.resources) {
    resources.push(decodeResource(wire));
    yield;
  }
  const bare = resources.find(({ kind }) => kind === 'bootstrap');
  const bootstrap =
    bare === undefined ? null : new Compiler(new Map(), null).bootstrap(bare).config;
  if (bootstrap === null) throw new Error('a bootstrap that was accepted does not compile again');
  return {
    ...{ ok: true, bootstrap, resources, problems, texts },
    places: new SourcePlaces(packed.sources),
  };
}
