import t from 'tap';
import { suggest } from '../../../proxy/config/schema/suggest.ts';

t.test('finds the nearest word for slips of the keyboard', (t) => {
  const words = ['connect_timeout', 'name', 'type', 'lb_policy', 'load_assignment'];
  t.equal(suggest('conect_timeout', words), 'connect_timeout', 'a letter missing');
  t.equal(suggest('conenct_timeout', words), 'connect_timeout', 'two letters swapped');
  t.equal(suggest('nmae', words), 'name');
  t.equal(suggest('lb_polici', words), 'lb_policy');
  t.equal(suggest('LbPolicy', words), 'lb_policy', 'spelling habits are no mistakes');
  t.equal(suggest('load-assignments', words), 'load_assignment');
  t.end();
});

t.test('suggests nothing that is far off', (t) => {
  t.equal(suggest('filters', ['name', 'type']), null);
  t.equal(suggest('x', ['name', 'type']), null);
  t.equal(suggest('', ['name']), null);
  t.equal(suggest('name', []), null);
  t.end();
});
