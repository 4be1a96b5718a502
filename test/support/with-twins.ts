// Outrigger and a real Envoy with the same configuration, each with an upstream of its own. The same
// bytes go to both; what clients, upstreams and logs saw comes back with ports and times masked.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { eventually } from './eventually.ts';
import { type Mask, type TwinConfig, type TwinPlaces, twinBootstrap } from './twin-bootstrap.ts';
import { type WireExchange, type WireReport, wireExchange } from './wire-client.ts';
import { type H2Exchange, wireH2Exchange } from './wire-h2-client.ts';
import type { WireMessage } from './wire-message.ts';
import { PLAIN_ANSWER, type WireAnswer, WireUpstream } from './wire-upstream.ts';
import { withEnvoy } from './with-envoy.ts';
import { withProxy } from './with-proxy.ts';

interface CaseBase {
  readonly title: string;
  /** Name of the listener; `main` where nothing is said. Its port replaces `{port}` in the bytes. */
  readonly listener?: string;
  readonly answer?: WireAnswer;
  /** The upstream resets its connections once the client of HTTP/1.1 has seen this. */
  readonly resetAfter?: string;
  /** Its log lines hold this instead of the client's address. */
  readonly mark?: string;
}

/** One exchange on a fresh connection, with what the upstream answers. */
export interface TwinCase extends CaseBase, WireExchange {}

/** The same in HTTP/2. */
export interface H2TwinCase extends CaseBase {
  readonly h2: H2Exchange;
}

/** In either protocol. */
export type AnyTwinCase = TwinCase | H2TwinCase;

/** What was to be seen of a case, printable and comparable. */
export interface Outcome {
  readonly responses: readonly string[];
  readonly ending: string;
  readonly upstream: readonly string[];
  log: readonly string[];
}

/** One of the two proxies. */
export interface Twin {
  /** `http://127.0.0.1:port` of its admin interface. */
  readonly admin: string;
  readonly upstream: WireUpstream;
  readonly ports: Readonly<Record<string, number>>;
  /** Runs cases in order, then adds the log lines of each. */
  run(cases: readonly AnyTwinCase[]): Promise<readonly Outcome[]>;
  /** Runs one case; its log lines are not there yet. */
  runOne(each: AnyTwinCase): Promise<{ readonly outcome: Outcome; readonly port: number }>;
  /** Takes out what differs between the two for no reason that matters. */
  mask(text: string): string;
}

/** Both. */
export interface Twins {
  readonly ours: Twin;
  readonly envoy: Twin;
}

const FLUSH_MS = 20;
/** No case leaves more; one that stays belongs to a pool of another cluster. */
const MAX_SPARES = 3;
const SPARE = 'GET /spare HTTP/1.1\r\nhost: spare\r\nconnection: close\r\n\r\n';
const LOG_END = 'GET /probe?end-of-log HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n';

/** Starts both, runs `use`, ends both. */
export async function withTwins(
  config: TwinConfig,
  use: (twins: Twins) => Promise<void>,
): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'twins-'));
  const upstreams = { ours: new WireUpstream(), envoy: new WireUpstream() };
  const placesOf = async (side: 'ours' | 'envoy'): Promise<TwinPlaces> => ({
    upstreamPort: await upstreams[side].listen(),
    logPath: path.join(directory, `${side}.log`),
  });
  const [ours, envoy] = [await placesOf('ours'), await placesOf('envoy')];
  const masks = config.masks ?? [];
  const flags = ['--file-flush-interval-msec', String(FLUSH_MS)];
  try {
    const proxy = await withProxy(twinBootstrap(config, ours), { fileFlushIntervalMs: FLUSH_MS });
    try {
      await withEnvoy(
        twinBootstrap(config, envoy),
        async (fixture) => {
          const ports: Record<string, number> = {};
          for (const name of Object.keys(config.listeners)) {
            ports[name] = portOf(await fixture.listener(name));
          }
          await use({
            ours: new RunningTwin(ours, upstreams.ours, {
              admin: `http://${proxy.adminAddress}`,
              ports: proxy.ports,
              masks,
            }),
            envoy: new RunningTwin(envoy, upstreams.envoy, { admin: fixture.admin, ports, masks }),
          });
        },
        flags,
      );
    } finally {
      await proxy.stop();
    }
  } finally {
    upstreams.ours.close();
    upstreams.envoy.close();
    fs.rmSync(directory, { recursive: true });
  }
}

/** Runs the same cases on both, at the same time. */
export async function runOnBoth(
  { ours, envoy }: Twins,
  cases: readonly AnyTwinCase[],
): Promise<readonly (readonly [ours: Outcome, envoy: Outcome])[]> {
  const [mine, theirs] = await Promise.all([ours.run(cases), envoy.run(cases)]);
  return mine.map((outcome, index) => [outcome, theirs[index] as Outcome] as const);
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

class RunningTwin implements Twin {
  readonly admin: string;
  readonly upstream: WireUpstream;
  readonly ports: Readonly<Record<string, number>>;
  readonly #places: TwinPlaces;
  /** By them the log's lines are told apart. */
  readonly #clientPorts = new Set<number>();
  readonly #masks: readonly Mask[];

  constructor(
    places: TwinPlaces,
    upstream: WireUpstream,
    served: {
      readonly admin: string;
      readonly ports: Readonly<Record<string, number>>;
      readonly masks: readonly Mask[];
    },
  ) {
    this.admin = served.admin;
    this.ports = served.ports;
    this.upstream = upstream;
    this.#places = places;
    const names = Object.entries(this.ports);
    this.#masks = [
      ...names.map(([name, port]) => [new RegExp(`\\b${port}\\b`, 'g'), `{${name}}`] as const),
      [new RegExp(`\\b${places.upstreamPort}\\b`, 'g'), '{upstream}'],
      [new RegExp(`\\b${portOf(served.admin)}\\b`, 'g'), '{admin}'],
      [/\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '{uuid}'],
      [/^(date: ).*$/gim, '$1{date}'],
      [/^(x-envoy-upstream-service-time: )\d+$/gim, '$1{ms}'],
      ...served.masks,
    ];
  }

  mask(text: string): string {
    return this.#masks.reduce((masked, [what, name]) => masked.replace(what, name), text);
  }

  async run(cases: readonly AnyTwinCase[]): Promise<readonly Outcome[]> {
    const done: { readonly outcome: Outcome; readonly port: number; readonly each: AnyTwinCase }[] =
      [];
    for (const each of cases) done.push({ ...(await this.runOne(each)), each });
    const lines = await this.#logLines();
    for (const { outcome, port, each } of done) {
      const mark = each.mark ?? `127.0.0.1:${port}`;
      const marked = new RegExp(`${mark.replaceAll('.', '\\.')}(?!\\d)`);
      const client = new RegExp(`\\b127\\.0\\.0\\.1:${port}\\b`, 'g');
      const log = lines
        .filter((line) => marked.test(line))
        .map((line) => this.mask(line.replace(client, '{client}')));
      outcome.log = hasStreamsAtOnce(each) ? log.sort() : log;
    }
    return done.map(({ outcome }) => outcome);
  }

  async runOne(each: AnyTwinCase): Promise<{ readonly outcome: Outcome; readonly port: number }> {
    this.upstream.take();
    this.upstream.answer = each.answer ?? PLAIN_ANSWER;
    const port = this.ports[each.listener ?? 'main'];
    if (port === undefined) throw new Error(`no listener ${each.listener}`);
    const report = await this.#exchange(each, port);
    this.#clientPorts.add(report.port);
    const isGivenUp = 'h2' in each && (each.h2.leaves === true || each.h2.streams?.length === 0);
    await this.upstream.settled(isGivenUp);
    const client = new RegExp(`\\b${report.port}\\b`, 'g');
    const print = (message: WireMessage) => this.mask(printed(message).replace(client, '{client}'));
    const outcome: Outcome = {
      responses: report.responses.map(print),
      ending: report.ending,
      upstream: this.upstream.take().flatMap(({ requests }) => requests.map(print)),
      log: [],
    };
    await this.#useSpares();
    return { outcome, port: report.port };
  }

  #exchange(each: AnyTwinCase, port: number): Promise<WireReport> {
    if ('h2' in each) {
      const { upstream } = this;
      return wireH2Exchange(port, each.h2, { taken: this.#clientPorts, upstream });
    }
    const { send, resetAfter } = each;
    const context = { taken: this.#clientPorts, received: () => this.upstream.received };
    const pieces = typeof send === 'string' ? [send] : send;
    const sent = pieces.map((piece) => piece.replaceAll('{port}', String(port)));
    const exchange = { ...each, send: sent };
    if (resetAfter === undefined) return wireExchange(port, exchange, context);
    const onSeen = { text: resetAfter, act: () => this.upstream.reset() };
    return wireExchange(port, { ...exchange, onSeen }, context);
  }

  /** A request that was given up leaves a connection; the next case is not to profit from it. */
  async #useSpares(): Promise<void> {
    await setImmediate();
    this.upstream.answer = PLAIN_ANSWER;
    const ports = Object.values(this.ports);
    for (let tries = 0; this.upstream.hasSpare && tries < MAX_SPARES * ports.length; tries += 1) {
      await wireExchange(ports[tries % ports.length] ?? 0, { send: SPARE });
    }
  }

  /** Everything in the log up to a mark that is written now. */
  async #logLines(): Promise<readonly string[]> {
    const { logPath } = this.#places;
    const port = Object.values(this.ports)[0] ?? 0;
    const before = linesOf(logPath).filter(isEnd).length;
    await wireExchange(port, { send: LOG_END });
    await eventually(() => linesOf(logPath).filter(isEnd).length > before);
    return linesOf(logPath).filter((line) => !/\/(probe|spare)/.test(line));
  }
}

/** Which of them ends first depends on what was there when the upstream's connection was. */
function hasStreamsAtOnce(each: AnyTwinCase): boolean {
  return 'h2' in each && (each.h2.streams?.length ?? 1) > 1;
}

function isEnd(line: string): boolean {
  return line.includes('end-of-log');
}

function linesOf(file: string): readonly string[] {
  return fs.existsSync(file) ? fs.readFileSync(file, 'latin1').split('\n').slice(0, -1) : [];
}

function printed(message: WireMessage): string {
  const { startLine, fields, framing, body, trailers, isComplete, reset } = message;
  const lines = [startLine, ...fields, '', `[${framing}] ${body}`];
  for (const trailer of trailers) lines.push(`trailer ${trailer}`);
  if (!isComplete) lines.push('[incomplete]');
  if (reset !== undefined) lines.push(`[reset ${reset}]`);
  return lines.join('\n');
}
