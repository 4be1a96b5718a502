// A file of resources that is read and watched as long as somebody wants something of it.
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../../base/log.ts';
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import type { EventLoop } from '../../net/event-loop.ts';
import type {
  DiscoveryRequest,
  DiscoverySink,
  DiscoverySource,
  DiscoverySubscription,
} from '../../xds/discovery.ts';
import { FileSource } from '../../xds/file-source.ts';
import type { StreamReport } from '../../xds/stream-report.ts';
import { DirectoryWatch } from '../directory-watch.ts';
import { beginSlices } from '../run-in-slices.ts';

/** What files are read with. */
export interface SharedFileParts {
  readonly loop: EventLoop;
  readonly log: Logger;
}

/** One per path; each type that is asked of it is read by itself. */
export class SharedFile implements DiscoverySource {
  readonly #config: Extract<ConfigSourceConfig, { readonly kind: 'path' }>;
  readonly #parts: SharedFileParts;
  readonly #byType = new Map<string, { readonly source: FileSource; users: number }>();

  constructor(
    config: Extract<ConfigSourceConfig, { readonly kind: 'path' }>,
    parts: SharedFileParts,
  ) {
    this.#config = config;
    this.#parts = parts;
  }

  subscribe(request: DiscoveryRequest, sink: DiscoverySink): DiscoverySubscription {
    const { typeUrl } = request;
    const shared = this.#byType.get(typeUrl) ?? { source: this.#open(typeUrl), users: 0 };
    this.#byType.set(typeUrl, shared);
    shared.users += 1;
    const subscription = shared.source.subscribe(request, sink);
    let isClosed = false;
    return {
      setNames: (names) => subscription.setNames(names),
      refuse: (names, reason) => subscription.refuse(names, reason),
      close: () => {
        if (isClosed) return;
        isClosed = true;
        subscription.close();
        shared.users -= 1;
        if (shared.users > 0) return;
        this.#byType.delete(typeUrl);
        shared.source.close();
      },
    };
  }

  pause(): () => void {
    return () => undefined;
  }

  reports(): readonly StreamReport[] {
    return [...this.#byType.values()].flatMap(({ source }) => source.reports());
  }

  close(): void {
    for (const { source } of this.#byType.values()) source.close();
    this.#byType.clear();
  }

  #open(typeUrl: string): FileSource {
    const { path, directory } = this.#config;
    const { loop, log } = this.#parts;
    return new FileSource({
      ...{ path, typeUrl, log, clock: loop, timers: loop.timers, pacing: beginSlices },
      read: async (name) => ({ name, content: await readFile(name) }),
      watch: (onChange) => {
        const watch = new DirectoryWatch(directory || dirname(path), log, onChange);
        return () => watch.close();
      },
    });
  }
}
