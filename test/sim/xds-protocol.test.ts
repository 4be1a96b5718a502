// Random events against servers that follow the protocol to the letter, and against our own: in the
// end every subscriber has what the server has.
import { fromBinary } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { RouteConfigurationSchema } from '../../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import type { Random } from '../../proxy/base/random.ts';
import { randomBelow } from '../../proxy/base/random.ts';
import {
  ALL_NAMES,
  type DiscoveredResource,
  type DiscoverySink,
  type DiscoverySubscription,
  type DiscoveryUpdate,
} from '../../proxy/xds/discovery.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { FakeMux } from '../support/fake-mux.ts';
import type { FakeXdsStream } from '../support/fake-xds-server.ts';
import {
  IncrementalClient,
  type ServedClient,
  ServedType,
  StateOfWorldClient,
} from '../support/model-xds-server.ts';
import { OwnServerClient } from '../support/own-xds-server.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', '__proto__'];
const RUNS = 25;
const STEPS = 120;

/** A subscriber that refuses what is bad and remembers the rest. */
class View implements DiscoverySink {
  readonly contents = new Map<string, string>();
  readonly type: ServedType;
  names: ReadonlySet<string>;
  subscription: DiscoverySubscription | null = null;

  constructor(type: ServedType, names: ReadonlySet<string>) {
    this.type = type;
    this.names = names;
  }

  onUpdate({ isWhole, removed, resources }: DiscoveryUpdate): string {
    if (isWhole) {
      const named = new Set(resources.map(({ name }) => name));
      for (const name of this.contents.keys()) if (!named.has(name)) this.contents.delete(name);
    }
    for (const name of removed) this.contents.delete(name);
    const bad: string[] = [];
    for (const resource of resources) {
      const content = contentOf(resource, this.type);
      if (content.startsWith('bad')) bad.push(resource.name);
      else this.contents.set(resource.name, content);
    }
    return bad.join(', ');
  }

  onFailure(): void {}

  /** What it should have, and has not. */
  missing(): string[] {
    const wants = (name: string) => this.names.has(ALL_NAMES) || this.names.has(name);
    return [...this.type.contents]
      .filter(([name, content]) => wants(name) && this.contents.get(name) !== content)
      .map(([name, content]) => `${name}=${content}, has ${this.contents.get(name)}`);
  }

  /** What it has and the server has not. */
  extra(): string[] {
    return [...this.contents.keys()].filter((name) => !this.type.contents.has(name));
  }
}

function contentOf({ content }: DiscoveredResource, type: ServedType): string {
  if (type.isWhole) return fromBinary(ClusterSchema, content.value).altStatName;
  return fromBinary(RouteConfigurationSchema, content.value).requestHeadersToRemove[0] ?? '';
}

/** Which variant, and whose server. */
interface Kind {
  readonly isIncremental: boolean;
  readonly isOwn: boolean;
}

class Simulation {
  readonly random: Random;
  readonly isIncremental: boolean;
  /** The server is our own. */
  readonly isOwn: boolean;
  readonly rig: FakeMux;
  readonly types = [
    new ServedType(TYPE_URLS.cluster, true),
    new ServedType(TYPE_URLS.route, false),
  ] as const;
  readonly views: View[] = [];
  clients: ServedClient[] = [];
  #isOpen = false;
  #versions = 0;

  constructor(seed: number, { isIncremental, isOwn }: Kind) {
    this.random = seededRandom(seed);
    this.isIncremental = isIncremental;
    this.isOwn = isOwn;
    this.rig = new FakeMux({ isIncremental });
  }

  async run(): Promise<void> {
    this.watch(this.types[0], new Set([ALL_NAMES]));
    for (let step = 0; step < STEPS; step += 1) {
      this.act();
      if (this.random.next() < 0.7) await null;
    }
    for (const { contents } of this.types) {
      for (const [name, content] of contents) {
        if (content.startsWith('bad')) contents.set(name, `good${++this.#versions}`);
      }
    }
    await this.settle();
  }

  act(): void {
    const dice = randomBelow(this.random, 100);
    if (dice < 25) this.change();
    else if (dice < 50) this.serve();
    else if (dice < 62) this.watch(this.types[1], this.someNames());
    else if (dice < 80) this.meddle();
    else if (dice < 92) this.open();
    else if (dice < 95) this.end();
    else this.rig.clock.advance(200);
  }

  change(): void {
    const { contents } = this.types[randomBelow(this.random, 2)] as ServedType;
    const name = this.name();
    const dice = this.random.next();
    this.#versions += 1;
    if (dice < 0.3) contents.delete(name);
    else contents.set(name, `${dice < 0.5 ? 'bad' : 'good'}${this.#versions}`);
  }

  serve(): void {
    if (this.#isOpen) for (const client of this.clients) client.step();
  }

  watch(type: ServedType, names: ReadonlySet<string>): void {
    const view = new View(type, names);
    const request = { typeUrl: type.typeUrl, names, fetchTimeoutMs: 0, stats: null };
    view.subscription = this.rig.mux.subscribe(request, view);
    this.views.push(view);
  }

  /** With a watch of names. */
  meddle(): void {
    const index = 1 + randomBelow(this.random, Math.max(1, this.views.length - 1));
    const view = this.views[index];
    if (view === undefined) return;
    if (this.random.next() < 0.5) {
      this.views.splice(index, 1);
      view.subscription?.close();
      return;
    }
    view.names = this.someNames();
    for (const name of view.contents.keys()) if (!view.names.has(name)) view.contents.delete(name);
    view.subscription?.setNames(view.names);
  }

  open(): void {
    if (this.#isOpen || this.#streams === this.rig.server.streams.length) return;
    this.#isOpen = true;
    const stream = this.rig.server.last;
    this.clients = this.clientsOf(stream);
    this.#streams = this.rig.server.streams.length;
    stream.open();
  }

  #streams = 0;

  clientsOf(stream: FakeXdsStream): ServedClient[] {
    const { isIncremental } = this;
    if (this.isOwn) {
      const nowMs = () => this.rig.clock.nowMs();
      return [new OwnServerClient(stream, this.types, { isIncremental, nowMs })];
    }
    const Client = isIncremental ? IncrementalClient : StateOfWorldClient;
    return this.types.map((type) => new Client(stream, type));
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.rig.server.last.end();
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 40; round += 1) {
      if (!this.#isOpen) this.rig.clock.advance(30_000);
      if (!this.#isOpen && this.rig.server.streams.length > this.#streams) this.open();
      this.serve();
      await null;
      await null;
    }
  }

  faults(): string[] {
    const faults = this.views.flatMap((view) => view.missing());
    for (const view of this.views) {
      if (this.isIncremental || view.type.isWhole) faults.push(...view.extra().map((n) => `-${n}`));
    }
    for (const client of this.clients) {
      if ('fault' in client && client.fault !== '') faults.push(String(client.fault));
    }
    return faults;
  }

  someNames(): ReadonlySet<string> {
    const count = 1 + randomBelow(this.random, 3);
    return new Set(Array.from({ length: count }, () => this.name()));
  }

  name(): string {
    return NAMES[randomBelow(this.random, NAMES.length)] as string;
  }
}

const KINDS: readonly Kind[] = [
  { isIncremental: false, isOwn: false },
  { isIncremental: true, isOwn: false },
  { isIncremental: false, isOwn: true },
  { isIncremental: true, isOwn: true },
];

for (const kind of KINDS) {
  const variant = kind.isIncremental ? 'incremental' : 'state of the world';
  const whose = kind.isOwn ? 'our own server' : 'the server';
  t.test(`subscribers end up with what ${whose} has, ${variant}`, async (t) => {
    const first = testSeed();
    for (let run = 0; run < RUNS; run += 1) {
      const simulation = new Simulation(first + run, kind);
      await simulation.run();
      const faults = simulation.faults();
      if (faults.length > 0) t.fail(`OUTRIGGER_SEED=${first + run}`, { faults });
    }
    t.pass(`${RUNS} runs from seed ${first}`);
  });
}
