import t from 'tap';
import { FilterPath, type PathHooks, type PathSink } from '../../proxy/filters/filter-path.ts';
import {
  CONTINUE,
  DROP,
  type FilterStatus,
  type HttpFilter,
  STOP,
  STOP_ALL,
  WAIT,
} from '../../proxy/filters/http-filter.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead } from '../../proxy/http/message.ts';

const HOOKS: PathHooks<RequestHead> = {
  head: (filter, head, end) => filter.onRequestHead?.(head, end) ?? CONTINUE,
  data: (filter, data, end) => filter.onRequestData?.(data, end) ?? CONTINUE,
  trailers: (filter, trailers) => filter.onRequestTrailers?.(trailers) ?? CONTINUE,
  writable: (filter) => filter.onRequestWritable?.(),
};

class Probe implements HttpFilter {
  readonly seen: string[] = [];
  readonly #script: FilterStatus[];

  /** Statuses in the order of the events; CONTINUE behind them. */
  constructor(...script: FilterStatus[]) {
    this.#script = script;
  }

  onRequestHead(_head: RequestHead, endStream: boolean): FilterStatus {
    return this.#next(endStream ? 'head.' : 'head');
  }

  onRequestData(data: Buffer, endStream: boolean): FilterStatus {
    return this.#next(`${data.toString()}${endStream ? '.' : ''}`);
  }

  onRequestTrailers(): FilterStatus {
    return this.#next('trailers');
  }

  #next(event: string): FilterStatus {
    this.seen.push(event);
    return this.#script.shift() ?? CONTINUE;
  }
}

class Sink implements PathSink<RequestHead> {
  readonly seen: string[] = [];
  overflows = 0;
  dead = false;
  isSlow = false;

  head(_head: RequestHead, endStream: boolean): void {
    this.seen.push(endStream ? 'head.' : 'head');
  }

  data(data: Buffer, endStream: boolean): boolean {
    this.seen.push(`${data.toString()}${endStream ? '.' : ''}`);
    return !this.isSlow;
  }

  trailers(): void {
    this.seen.push('trailers');
  }

  overflow(): void {
    this.overflows += 1;
  }

  isDead(): boolean {
    return this.dead;
  }
}

const head = (): RequestHead =>
  new RequestHead(
    'HTTP/1.1',
    'POST',
    { path: '/', authority: 'a', scheme: 'http' },
    HeaderList.empty(),
  );

function path(filters: readonly HttpFilter[], limit = 1000): [FilterPath<RequestHead>, Sink] {
  const sink = new Sink();
  return [new FilterPath(filters, HOOKS, sink, limit), sink];
}

t.test('events pass filters in order and reach the end', async (t) => {
  const [first, second] = [new Probe(), new Probe()];
  const [way, sink] = path([first, second]);
  way.head(head(), false);
  way.data(Buffer.from('a'), false);
  way.trailers(HeaderList.empty());
  for (const seen of [first.seen, second.seen, sink.seen]) t.same(seen, ['head', 'a', 'trailers']);
});

t.test('a filter that stopped the head sees content and lets all go by continuing', async (t) => {
  const holder = new Probe(STOP, STOP, CONTINUE);
  const behind = new Probe();
  const [way, sink] = path([holder, behind]);
  way.head(head(), false);
  way.data(Buffer.from('a'), false);
  t.same(behind.seen, []);
  way.data(Buffer.from('b'), true);
  t.same(holder.seen, ['head', 'a', 'b.']);
  t.same(behind.seen, ['head', 'a', 'b.']);
  t.same(sink.seen, ['head', 'a', 'b.']);
});

t.test('STOP_ALL keeps content from the filter itself until it is released', async (t) => {
  const holder = new Probe(STOP_ALL);
  const [way, sink] = path([holder]);
  way.head(head(), false);
  way.data(Buffer.from('a'), false);
  way.trailers(HeaderList.empty());
  t.same(holder.seen, ['head']);
  way.release(holder);
  t.same(holder.seen, ['head', 'a', 'trailers']);
  t.same(sink.seen, ['head', 'a', 'trailers']);
});

t.test('WAIT holds like STOP_ALL, whatever comes meanwhile', async (t) => {
  const [holder, stopper] = [new Probe(WAIT), new Probe(CONTINUE, STOP)];
  const [way, sink] = path([holder, stopper], 4);
  way.head(head(), false);
  way.data(Buffer.from('more than four'), false);
  way.trailers(HeaderList.empty());
  t.same(holder.seen, ['head']);
  t.equal(sink.overflows, 0);
  way.release(holder);
  t.same(holder.seen, ['head', 'more than four', 'trailers']);
  t.equal(sink.overflows, 1, 'what another filter holds of it counts again');
});

t.test('two filters may hold at different places and are released in any order', async (t) => {
  for (const firstToGo of [0, 1]) {
    const filters = [new Probe(CONTINUE, STOP), new Probe(STOP)] as const;
    const [way, sink] = path(filters);
    way.head(head(), false);
    way.data(Buffer.from('a'), true);
    way.release(filters[firstToGo as 0 | 1]);
    way.release(filters[(1 - firstToGo) as 0 | 1]);
    t.same(sink.seen, ['head', 'a.']);
  }
});

t.test('held content is a copy of the borrowed buffer', async (t) => {
  const holder = new Probe(STOP, STOP);
  const [way, sink] = path([holder]);
  const borrowed = Buffer.from('a');
  way.head(head(), false);
  way.data(borrowed, true);
  borrowed.write('X');
  way.release(holder);
  t.same(sink.seen, ['head', 'a.']);
});

t.test('more than the limit overflows, the limit itself does not', async (t) => {
  const [way, sink] = path([new Probe(STOP, STOP, STOP)], 4);
  way.head(head(), false);
  way.data(Buffer.from('1234'), false);
  t.equal(sink.overflows, 0);
  way.data(Buffer.from('5'), false);
  t.equal(sink.overflows, 1);
});

t.test('content held before a filter counts against the limit too', async (t) => {
  const [way, sink] = path([new Probe(STOP_ALL)], 4);
  way.head(head(), false);
  way.data(Buffer.from('12345'), false);
  t.equal(sink.overflows, 1);
});

t.test('nothing passes once the stream is over', async (t) => {
  const [way, sink] = path([new Probe(), new Probe()]);
  way.head(head(), false);
  sink.dead = true;
  way.data(Buffer.from('a'), true);
  t.same(sink.seen, ['head']);
});

t.test('releasing a filter that holds nothing is harmless', async (t) => {
  const probe = new Probe();
  const [way, sink] = path([probe]);
  way.head(head(), true);
  way.release(probe);
  way.release(new Probe());
  t.same(sink.seen, ['head.']);
});

t.test('what is dropped goes no further, and what is injected passes those behind', async (t) => {
  const replacer = new Probe(CONTINUE, DROP, DROP);
  const [before, behind] = [new Probe(), new Probe()];
  const [way, sink] = path([before, replacer, behind]);
  way.head(head(), false);
  way.data(Buffer.from('a'), false);
  way.inject(replacer, Buffer.from('A'), false);
  way.trailers(HeaderList.empty());
  way.inject(replacer, Buffer.from('Z'), true);
  t.same(before.seen, ['head', 'a', 'trailers']);
  t.same(replacer.seen, ['head', 'a', 'trailers']);
  for (const seen of [behind.seen, sink.seen]) t.same(seen, ['head', 'A', 'Z.']);
});

t.test('what is injected waits behind whoever holds', async (t) => {
  const [replacer, holder] = [new Probe(CONTINUE, DROP), new Probe(STOP_ALL)];
  const [way, sink] = path([replacer, holder]);
  way.head(head(), false);
  way.data(Buffer.from('a'), true);
  way.inject(replacer, Buffer.from('A'), true);
  t.same(sink.seen, []);
  way.release(holder);
  t.same(sink.seen, ['head', 'A.']);
});

t.test('a slow sink holds the sender back, a filter that holds content does not', async (t) => {
  const [way, sink] = path([new Probe(STOP, STOP, STOP)]);
  sink.isSlow = true;
  way.head(head(), false);
  t.equal(way.data(Buffer.from('a'), false), true);
  t.equal(way.data(Buffer.from('b'), false), true);
  t.equal(way.data(Buffer.from('c'), true), false);
  t.same(sink.seen, ['head', 'a', 'b', 'c.']);
});

t.test('whoever is slow holds back those in front of him, and only those', async (t) => {
  const told: string[] = [];
  const filters = ['a', 'b', 'c'].map(
    (name): HttpFilter => ({ onRequestWritable: () => void told.push(name) }),
  );
  const [a, b, c] = filters as [HttpFilter, HttpFilter, HttpFilter];
  const sink = new Sink();
  const path = new FilterPath(filters, HOOKS, sink, 100);
  const content = Buffer.from('x');
  path.pause(b);
  t.equal(path.data(content, false), false);
  t.equal(path.inject(a, content, false), false);
  t.equal(path.inject(b, content, false), true, 'it is itself the slow one');
  sink.isSlow = true;
  t.equal(path.inject(c, content, false), false);
  t.equal(path.resume(b), false, 'the sink is slow still');
  t.same(told, []);
  t.equal(path.data(content, false), false);
  path.pause(b);
  sink.isSlow = false;
  t.equal(path.onWritable(), false);
  t.same(told.splice(0), ['c', 'b']);
  t.equal(path.resume(b), true);
  t.same(told, ['a']);
  t.equal(path.data(content, true), true);
});

t.test('content goes in front of trailers that wait for it', async (t) => {
  const sink = new Sink();
  const filter: HttpFilter = {
    onRequestData: () => DROP,
    onRequestTrailers: () => STOP,
  };
  const path = new FilterPath([filter], HOOKS, sink, 100);
  path.data(Buffer.from('lost'), false);
  path.trailers(HeaderList.of('a', 'b'));
  path.inject(filter, Buffer.from('found'), false);
  t.same(sink.seen, ['found']);
  path.release(filter);
  t.same(sink.seen, ['found', 'trailers']);
});

t.test('a filter may end a message with trailers of its own', async (t) => {
  const sink = new Sink();
  const filter: HttpFilter = { onRequestData: () => DROP };
  const path = new FilterPath([filter], HOOKS, sink, 100);
  path.data(Buffer.from('lost'), true);
  path.injectTrailers(filter, HeaderList.of('a', 'b'));
  t.same(sink.seen, ['trailers']);
});
