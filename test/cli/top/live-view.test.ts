// Keys of `outrigger top`, and the frames that they lead to.
import t from 'tap';
import { LiveView } from '../../../proxy/cli/top/live-view.ts';
import { compareSamples, type Report } from '../../../proxy/cli/top/rates.ts';
import { readSample } from '../../../proxy/cli/top/sample.ts';
import { clustersJson, statsJson } from '../../support/scripted-admin.ts';
import { LOOKS } from '../../support/top-looks.ts';

const START = { place: 'there', sort: 'name', filter: '', hosts: true, colour: false } as const;

function report(): Report {
  const [before, after] = LOOKS.map((look, index) => {
    const answers = { serverInfo: {}, clusters: clustersJson(look), stats: statsJson(look) };
    return readSample(answers, 1000 * index);
  });
  if (before == null || after == null) throw new Error('no sample');
  return compareSamples(before, after);
}

function names(view: LiveView): readonly string[] {
  return view
    .frame(160, 40)
    .slice(3)
    .map((line) => line.trim().split(' ')[0] ?? '');
}

function press(view: LiveView, keys: string): void {
  for (const key of keys) view.onKey(key);
}

t.test('letters sort, h hides hosts, q and Ctrl-C leave', (t) => {
  const view = new LiveView(START);
  view.show(report());
  t.equal(view.onKey('h'), 'redraw');
  t.same(names(view), ['idle', 'ratings-with-a-rather-long-name', 'reviews']);
  t.equal(view.onKey('r'), 'redraw');
  t.equal(names(view)[0], 'reviews');
  view.onKey('s');
  t.equal(names(view)[0], 'ratings-with-a-rather-long-name');
  t.match(view.frame(160, 40)[1], 'by success');
  t.equal(view.onKey('?'), 'none');
  t.equal(view.onKey('q'), 'quit');
  t.equal(view.onKey('\u0003'), 'quit');
  t.end();
});

t.test('a filter is typed, corrected, kept and given up', (t) => {
  const view = new LiveView(START);
  view.show(report());
  press(view, '/rq');
  t.match(view.frame(160, 40)[1], 'filter: rq_');
  t.same(names(view), []);
  press(view, '\u007f\u007fREV\r');
  t.same(names(view), ['reviews', '10.0.0.1:8080', '10.0.0.2:8080']);
  press(view, '/');
  view.onKey('\u001b');
  t.equal(names(view).length, 8);
  press(view, '/');
  t.equal(view.onKey('\u0003'), 'quit');
  t.end();
});

t.test('frames fit the terminal, and scroll to the last row and no further', (t) => {
  const view = new LiveView(START);
  t.match(view.frame(20, 5), ['there  reading …']);
  view.show(report());
  t.equal(view.frame(80, 6).length, 6);
  for (let count = 0; count < 30; count += 1) view.onKey('\u001b[B');
  const last = view.frame(80, 6);
  t.match(last.at(-1), '10.0.0.2:8080');
  view.onKey('\u001b[A');
  t.match(view.frame(80, 6).at(-1), '10.0.0.1:8080');
  for (let size = 1; size < 30; size += 1) {
    const frame = view.frame(size, size);
    t.ok(frame.length <= size && frame.every((line) => [...line].length <= size), `${size}`);
  }
  t.end();
});

t.test('a proxy that is gone is told about, and its last numbers stay', (t) => {
  const view = new LiveView(START);
  view.show(report());
  view.showError('connect ECONNREFUSED');
  t.match(view.frame(80, 20)[0], 'there  connect ECONNREFUSED');
  t.equal(names(view).length, 8);
  view.show(report());
  t.notMatch(view.frame(80, 20)[0], 'ECONNREFUSED');
  t.end();
});
