// Levels of a log as `proxy-config log` reads and sets them.
import t from 'tap';
import {
  levelRequests,
  parseLevels,
  parseLoggers,
  unknownComponents,
} from '../../../proxy/cli/proxy-config/log-levels.ts';

t.test('reads what /logging says', async (t) => {
  t.same(parseLoggers('active loggers:\n  http: debug\n  main: info\n'), [
    ['http', 'debug'],
    ['main', 'info'],
  ]);
  t.equal(parseLoggers('<html>'), null);
});

t.test('asks for a level of all components before those of single ones', async (t) => {
  t.same(parseLevels('http:debug, warn'), {
    ok: true,
    value: [
      ['http', 'debug'],
      ['', 'warning'],
    ],
  });
  t.same(
    levelRequests([
      ['http', 'debug'],
      ['', 'warning'],
      ['dns', 'trace'],
    ]),
    ['/logging?level=warning', '/logging?paths=http:debug,dns:trace'],
  );
  t.same(levelRequests([]), []);
});

t.test('says which levels and components there are not', async (t) => {
  t.match(parseLevels('http:loud'), { ok: false, error: "'loud' is none of trace" });
  t.match(parseLevels(':info'), { ok: false, error: 'names no component' });
  t.match(parseLevels(''), { ok: false });
  const wanted = [
    ['', 'info'],
    ['x', 'info'],
    ['http', 'info'],
  ] as const;
  t.same(unknownComponents(wanted, [['http', 'info']]), ['x']);
});
