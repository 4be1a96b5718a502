// Both proxies with one configuration, each with playing upstreams of its own, one for each cluster.
// A case is one request; its outcome is what client, upstreams and access log saw.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { eventually } from './eventually.ts';
import {
  PLAY_FIELDS,
  type PlayedCases,
  type PlayedRequest,
  PlayingUpstream,
} from './playing-upstream.ts';
import { rawExchange } from './raw-exchange.ts';
import { bootstrapOf, type Message } from './static-bootstrap.ts';
import { withEnvoy } from './with-envoy.ts';
import { withProxy } from './with-proxy.ts';

/** Where a side finds its upstreams, and where it logs. */
export interface PlayPlaces {
  readonly ports: Readonly<Record<string, number>>;
  readonly logPath: string;
}

/** What both are configured with. */
export interface PlayConfig {
  /** Names of the upstreams. */
  readonly upstreams: readonly string[];
  listeners(places: PlayPlaces): readonly Message[];
  clusters(places: PlayPlaces): readonly Message[];
  /** Laid over the bootstrap. */
  readonly bootstrap?: Message;
}

/** One request: its case is its title. */
export interface PlayCase {
  readonly title: string;
  readonly listener?: string;
  readonly method?: string;
  readonly path: string;
  readonly host?: string;
  /** `name: value` */
  readonly fields?: readonly string[];
  /** null: no content. */
  readonly body?: string;
  /** What becomes of each of its attempts. */
  readonly play?: string;
  /** How many requests upstreams get of it, when that is not what the client waits for. */
  readonly requests?: number;
}

/** What was to be seen of it. */
export interface PlayOutcome {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
  readonly upstream: readonly PlayedRequest[];
  readonly log: readonly string[];
}

/** One side. */
export interface PlayedTwin {
  readonly admin: string;
  run(cases: readonly PlayCase[]): Promise<readonly PlayOutcome[]>;
  /** Counters and gauges whose names match, those that are 0 left out. */
  stats(pattern: RegExp): Promise<readonly string[]>;
}

const FLUSH_MS = 20;
const UNCOMPARED =
  /^(?:date|server|x-request-id|x-envoy-upstream-service-time|content-length|transfer-encoding|connection|keep-alive): /;

/** Starts both, runs `use` with each, ends both. */
export async function withPlayedTwins(
  config: PlayConfig,
  use: (ours: PlayedTwin, envoy: PlayedTwin) => Promise<void>,
): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'played-'));
  const sides = {
    ours: new Side(config, directory, 'ours'),
    envoy: new Side(config, directory, 'envoy'),
  };
  try {
    const [ours, envoy] = [await sides.ours.bootstrap(), await sides.envoy.bootstrap()];
    const proxy = await withProxy(ours, { fileFlushIntervalMs: FLUSH_MS });
    try {
      sides.ours.admin = `http://${proxy.adminAddress}`;
      sides.ours.address = async (name) => `127.0.0.1:${proxy.ports[name]}`;
      const flags = ['--file-flush-interval-msec', String(FLUSH_MS)];
      await withEnvoy(
        envoy,
        async (fixture) => {
          sides.envoy.admin = fixture.admin;
          sides.envoy.address = (name) => fixture.listener(name);
          await use(sides.ours, sides.envoy);
        },
        flags,
      );
    } finally {
      await proxy.stop();
    }
  } finally {
    sides.ours.close();
    sides.envoy.close();
    fs.rmSync(directory, { recursive: true });
  }
}

class Side implements PlayedTwin {
  admin = '';
  address: (listener: string) => Promise<string> = async () => '';
  readonly #config: PlayConfig;
  readonly #logPath: string;
  readonly #cases: PlayedCases = { seen: new Map(), turns: new Map() };
  readonly #upstreams: PlayingUpstream[];

  constructor(config: PlayConfig, directory: string, name: string) {
    this.#config = config;
    this.#logPath = path.join(directory, `${name}.log`);
    this.#upstreams = config.upstreams.map((each) => new PlayingUpstream(each, this.#cases));
  }

  async bootstrap(): Promise<Message> {
    const ports: Record<string, number> = {};
    for (const upstream of this.#upstreams) ports[upstream.name] = await upstream.listen();
    const places = { ports, logPath: this.#logPath };
    const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
    const { listeners, clusters, bootstrap } = this.#config;
    return { admin, ...bootstrapOf(listeners(places), clusters(places)), ...bootstrap };
  }

  close(): void {
    for (const upstream of this.#upstreams) upstream.close();
  }

  async run(cases: readonly PlayCase[]): Promise<readonly PlayOutcome[]> {
    const outcomes: PlayOutcome[] = [];
    for (const each of cases) outcomes.push(await this.#runOne(each));
    return outcomes;
  }

  async stats(pattern: RegExp): Promise<readonly string[]> {
    const lines = (await (await fetch(`${this.admin}/stats`)).text()).split('\n');
    return lines
      .filter((line) => pattern.test(line) && !line.endsWith(': 0') && !/: (?:P|No)/.test(line))
      .sort();
  }

  async #runOne(each: PlayCase): Promise<PlayOutcome> {
    const address = await this.address(each.listener ?? 'main');
    const response = await rawExchange(address, requestText(each)).catch((error: Error) => {
      throw new Error(`${each.title} (${this.#logPath}): ${error.message}`);
    });
    const key = keyOf(each);
    const { requests = 0 } = each;
    await eventually(() => (this.#cases.seen.get(key) ?? []).length >= requests);
    const mark = ` case=${key} `;
    // The line of the last hop is the last.
    const isLast = (line: string) => !line.includes(' internal_redirect ');
    await eventually(() => this.#logLines(mark).some(isLast));
    const seen = this.#cases.seen.get(key) ?? [];
    return {
      status: response.status,
      fields: response.fields.filter((line) => !UNCOMPARED.test(line)).sort(),
      body: response.body,
      upstream: seen.map(comparable).sort((a, b) => (a.upstream < b.upstream ? -1 : 1)),
      log: this.#logLines(mark),
    };
  }

  #logLines(mark: string): string[] {
    if (!fs.existsSync(this.#logPath)) return [];
    const lines = fs.readFileSync(this.#logPath, 'latin1').split('\n');
    return lines.filter((line) => line.includes(mark));
  }
}

/** A line of the access log begins with the case; `format` follows. */
export function playLog(places: PlayPlaces, format: string): Message {
  return {
    name: 'envoy.access_loggers.file',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
      path: places.logPath,
      log_format: { text_format_source: { inline_string: `log case=%REQ(x-case)% ${format}\n` } },
    },
  };
}

function keyOf({ title }: PlayCase): string {
  return title.replaceAll(/[^A-Za-z0-9]+/g, '-');
}

function requestText(each: PlayCase): string {
  const { method = 'GET', host = 'h.test', fields = [], body } = each;
  const lines = [
    `${method} ${each.path} HTTP/1.1`,
    `host: ${host}`,
    `x-case: ${keyOf(each)}`,
    `x-play: ${each.play ?? ''}`,
    ...fields,
  ];
  if (body !== undefined) lines.push(`content-length: ${body.length}`);
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

/** What is left of a timeout depends on the moment: whole seconds do not. */
function withoutMoment(line: string): string {
  return line.replace(/^(x-envoy-expected-rq-timeout-ms): (\d+)$/, (_, name, ms) => {
    return `${name}: up to ${Math.ceil(Number(ms) / 1000)} s`;
  });
}

function comparable(request: PlayedRequest): PlayedRequest {
  const fields = request.fields.filter((line) => !UNCOMPARED.test(line) && !PLAY_FIELDS.test(line));
  return { ...request, fields: fields.map(withoutMoment).sort() };
}
