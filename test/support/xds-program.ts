// `outrigger xds` inside a test: a folder, what it says, and clients that speak the protocol by hand.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveFolder } from '../../proxy/cli/xds/xds-command.ts';
import type { XdsFlags } from '../../proxy/cli/xds/xds-flags.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { eventually } from './eventually.ts';
import type { Message } from './static-bootstrap.ts';

/** An event as `--json` writes it. */
export type XdsEvent = Readonly<Record<string, unknown>> & { readonly event: string };

/** See the file's head. */
export class XdsProgram {
  readonly folder = mkdtempSync(join(tmpdir(), 'outrigger-xds-'));
  readonly lines: string[] = [];
  stderr = '';
  code: number | null = null;
  #stop: () => void = () => undefined;
  #ended: Promise<number> = Promise.resolve(0);

  /** Runs the command; resolves when it serves, or has ended. */
  async start(flags: XdsFlags = {}, folder = this.folder): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#stop = resolve;
    });
    let isServing = false;
    this.code = null;
    this.#ended = serveFolder(
      folder,
      { listen: '127.0.0.1:0', ...flags },
      {
        out: (line) => void this.lines.push(line),
        err: (text) => {
          this.stderr += text;
        },
        colour: false,
        observer: null,
        untilStopped: () => {
          isServing = true;
          return stopped;
        },
      },
    );
    void this.#ended.then((code) => {
      this.code = code;
    });
    await eventually(() => isServing || this.code !== null);
  }

  /** A file with those resources, by a rename; nothing of it is seen half written. */
  write(name: string, content: string | readonly Message[]): void {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    writeFileSync(join(this.folder, '.new'), text);
    renameSync(join(this.folder, '.new'), join(this.folder, name));
  }

  /** Of `--json`. */
  get events(): readonly XdsEvent[] {
    return this.lines.map((line) => JSON.parse(line) as XdsEvent);
  }

  /** Port that it says it listens on, with `--json`. */
  get port(): number {
    return Number(this.events.find(({ event }) => event === 'serving')?.['port']);
  }

  /** Port for polls. */
  get restPort(): number {
    return Number(this.events.find(({ event }) => event === 'serving')?.['rest_port']);
  }

  async stop(): Promise<number> {
    this.#stop();
    return this.#ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A resource as files have it. */
export function typed(kind: keyof typeof TYPE_URLS, message: Message): Message {
  return { '@type': TYPE_URLS[kind], ...message };
}
