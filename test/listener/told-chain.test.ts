import t from 'tap';
import {
  ADMIT,
  type ConnectionGate,
  DENY,
  type GatedConnection,
  HOLD,
  type NetworkFilterFactory,
} from '../../proxy/filters/network-filter.ts';
import type { DownstreamConnectionInfo } from '../../proxy/http/stream-info.ts';
import { type ChainFactories, toldChain } from '../../proxy/listener/told-chain.ts';
import type { ExtensionInstance, ToldFilter } from '../../proxy/model/extension.ts';
import { ToldParts, toldPlace } from '../support/told-parts.ts';

/** What a filter of these tests is told: who it is and, for gates, what it answers. */
interface Said {
  readonly label: string;
  readonly answer?: number;
}

class Rig extends ToldParts {
  /** What gates and terminal filters were asked: `one in`, `one data`, `one out`, `end create`. */
  readonly seen: string[] = [];
  readonly chain: ChainFactories;

  constructor(places: (rig: Rig) => readonly ExtensionInstance[]) {
    super();
    const listener = { scope: this.stats.scope('listener.l') } as never;
    this.chain = toldChain(places(this), { services: this.services, listener });
  }

  gate(type: string, said: Said): ToldFilter {
    const gateFactory = ({ label, answer = ADMIT }: Said, { stats }: ToldParts['services']) => {
      stats.counter(`filter.${label}`);
      const see = <T>(what: string, status: T): T => {
        this.seen.push(`${label} ${what}`);
        return status;
      };
      const createGate = (): ConnectionGate => ({
        onConnection: () => see('in', answer as typeof ADMIT),
        onData: () => see('data', ADMIT),
        onClose: () => see('out', undefined),
      });
      return { createGate };
    };
    const schema = { typeName: type };
    const definition = { name: type, schema, isTerminal: false, gateFactory };
    return { definition: definition as never, config: said };
  }

  end(label: string): ToldFilter {
    const factory = (config: Said, { stats }: ToldParts['services']): NetworkFilterFactory => {
      stats.counter(`filter.${config.label}`);
      const say = (what: string) => void this.seen.push(`${config.label} ${what}`);
      const create = () => say('create') as never;
      return { create, refreshGauges: () => say('gauges') };
    };
    const definition = { name: 'last', schema: { typeName: 'last' }, isTerminal: true, factory };
    return { definition: definition as never, config: { label } };
  }

  tell(name: string, filter: ToldFilter | null): void {
    this.hub.set('network-filter', name, filter);
  }

  get missing(): number {
    return this.stats.snapshot().counters['listener.l.network_extension_config_missing'] ?? -1;
  }

  news(): readonly string[] {
    return this.seen.splice(0);
  }

  /** A connection comes, and every gate is asked until one does not admit it. */
  connect() {
    const info = {} as DownstreamConnectionInfo;
    const gates = this.chain.gates.map((factory) => factory.createGate());
    const gated = { info } as GatedConnection;
    const status = gates.reduce<number>(
      (before, gate) => (before === ADMIT ? gate.onConnection(gated) : before),
      ADMIT,
    );
    const close = () => {
      for (const gate of gates) gate.onClose?.();
    };
    const use = () => this.chain.terminal.create(null as never, info);
    return { close, gates, status, use };
  }
}

const told = (name: string, types: readonly string[], fallback: ToldFilter | null = null) =>
  toldPlace(name, types, fallback, 'network-filter');

function written(filter: ToldFilter): ExtensionInstance {
  return { name: 'written', disabled: false, ...filter };
}

t.test('nobody gets in before all filters were told what to do', async (t) => {
  const rig = new Rig(() => [told('gate', ['a']), told('end', ['last'])]);
  const refused = rig.connect();
  t.equal(refused.status, DENY);
  refused.close();
  rig.tell('gate', rig.gate('a', { label: 'one' }));
  t.equal(rig.connect().status, DENY);
  t.same([rig.missing, rig.news()], [2, []], 'no filter saw any of them');
  rig.tell('end', rig.end('end'));
  const connection = rig.connect();
  t.equal(connection.status, ADMIT);
  connection.use();
  t.same(rig.news(), ['one in', 'end create']);
});

t.test('a connection keeps what it began with, and gives it back when it is gone', async (t) => {
  const rig = new Rig((own) => [told('gate', ['a', 'b']), written(own.end('end'))]);
  rig.tell('gate', rig.gate('a', { label: 'one' }));
  const [first, second] = [rig.connect(), rig.connect()];
  rig.tell('gate', rig.gate('b', { label: 'two' }));
  rig.tell('gate', rig.gate('b', { label: 'three' }));
  const third = rig.connect();
  rig.news();
  for (const { gates } of [first, third]) gates[1]?.onData?.({} as never);
  t.same(rig.news(), ['one data', 'three data']);
  const all = ['filter end', 'filter one', 'filter three'];
  t.same(rig.held, all, 'nobody came while the second one was in use');
  first.close();
  first.close();
  t.same(rig.held, all);
  second.close();
  t.same(rig.held, ['filter end', 'filter three']);
  third.close();
  t.same(rig.held, ['filter end', 'filter three'], 'the next connection gets it');
});

t.test('filters change between the gates of one connection', async (t) => {
  const rig = new Rig((own) => [
    told('first', ['a']),
    told('second', ['a']),
    written(own.end('end')),
  ]);
  rig.tell('first', rig.gate('a', { label: 'one', answer: HOLD }));
  rig.tell('second', rig.gate('a', { label: 'two' }));
  const held = rig.connect();
  t.equal(held.status, HOLD);
  rig.tell('second', rig.gate('a', { label: 'other', answer: DENY }));
  rig.tell('first', null);
  t.equal(held.gates[2]?.onConnection({ info: {} } as never), DENY, 'nobody who did not begin');
  held.close();
  t.same(
    [rig.news(), rig.held],
    [
      ['one in', 'one out'],
      ['filter end', 'filter other'],
    ],
  );
});

t.test(
  'a refused connection is over for the gates in front of the one that refused it',
  async (t) => {
    const rig = new Rig((own) => [
      told('first', ['a']),
      written(own.gate('b', { label: 'no', answer: DENY })),
      written(own.end('end')),
    ]);
    rig.tell('first', rig.gate('a', { label: 'one' }));
    const refused = rig.connect();
    t.equal(refused.status, DENY);
    refused.close();
    rig.tell('first', null);
    t.same(rig.news(), ['one in', 'no in', 'one out', 'no out']);
    t.same([rig.held, rig.connect().status], [['filter end', 'filter no'], DENY]);
  },
);

t.test('a default serves before, and after what was told is withdrawn', async (t) => {
  const rig = new Rig((own) => [
    told('gate', ['a'], own.gate('a', { label: 'default' })),
    told('end', ['last'], own.end('end')),
  ]);
  rig.connect();
  rig.tell('gate', rig.gate('b', { label: 'misfit' }));
  rig.connect();
  rig.tell('gate', rig.gate('a', { label: 'told' }));
  rig.connect();
  rig.tell('gate', null);
  rig.connect();
  t.same(rig.news(), ['default in', 'default in', 'told in', 'default in']);
  t.equal(rig.missing, 0);
});

t.test(
  'a terminal filter in the middle is as good as nothing, and so is a gate at the end',
  async (t) => {
    const rig = new Rig(() => [told('gate', ['a']), told('end', ['last'])]);
    rig.tell('gate', rig.end('end'));
    rig.tell('end', rig.gate('last', { label: 'gate' }));
    t.equal(rig.connect().status, DENY);
  },
);

t.test('gauges are those of the filter in use', async (t) => {
  const rig = new Rig(() => [told('end', ['last'])]);
  rig.chain.terminal.refreshGauges?.();
  t.same(rig.news(), []);
  rig.tell('end', rig.end('one'));
  rig.tell('end', rig.end('two'));
  rig.chain.terminal.refreshGauges?.();
  t.same(rig.news(), ['two gauges']);
});
