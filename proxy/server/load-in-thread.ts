// Loading a configuration beside the event loop: reading, decoding and checking ten thousand routes
// takes longer than requests may wait. What comes back are resources in binary form.
import { Worker } from 'node:worker_threads';
import type { LoadedBootstrap } from '../config/load.ts';
import { type ReadSource, SourcePlaces } from '../config/source/places.ts';
import type { BootstrapOptions } from './bootstrap-source.ts';
import { Compiler } from './compiler.ts';
import { decodeResource, encodeResource, type WireResource } from './link-codec.ts';

/** What a thread tells; a refused configuration has no resources. */
export interface LoadedInThread {
  readonly ok: boolean;
  readonly resources: readonly WireResource[];
  readonly problems: LoadedBootstrap['problems'];
  readonly texts: LoadedBootstrap['texts'];
  readonly sources: readonly ReadSource[];
}

const PROGRAM = new URL('./load-thread.js', import.meta.url);

/** Loads what the options say; rejects when no thread can be had. */
export function loadInThread(options: BootstrapOptions): Promise<LoadedBootstrap> {
  return new Promise((resolve, reject) => {
    const { configPath, configYaml, serviceCluster, serviceNode, serviceZone } = options;
    const { allowUnknownStaticFields } = options;
    const workerData: BootstrapOptions = {
      ...{ configPath, configYaml, serviceCluster, serviceNode, serviceZone },
      allowUnknownStaticFields,
    };
    const thread = new Worker(PROGRAM, { workerData });
    thread.once('message', (loaded: LoadedInThread) => resolve(unpackLoaded(loaded)));
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`the loading thread ended with ${code}`)));
  });
}

/** Makes a loaded configuration fit for structured cloning. */
export function packLoaded(loaded: LoadedBootstrap): LoadedInThread {
  const { ok, problems, texts } = loaded;
  if (!ok) return { ok, resources: [], problems, texts, sources: [] };
  const resources = loaded.resources.map(encodeResource);
  return { ok, resources, problems, texts, sources: loaded.places.sources };
}

function unpackLoaded({ ok, ...packed }: LoadedInThread): LoadedBootstrap {
  const { problems, texts } = packed;
  if (!ok) return { ok: false, problems, texts };
  const resources = packed.resources.map(decodeResource);
  const bare = resources.find(({ kind }) => kind === 'bootstrap');
  const bootstrap =
    bare === undefined ? null : new Compiler(new Map(), null).bootstrap(bare).config;
  if (bootstrap === null) throw new Error('a bootstrap that was accepted does not compile again');
  return {
    ...{ ok: true, bootstrap, resources, problems, texts },
    places: new SourcePlaces(packed.sources),
  };
}
