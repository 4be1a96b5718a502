import t from 'tap';
import { DateFormat, patternBreaksLine } from '../../proxy/formatter/date-format.ts';

const MS = 1_795_229_621_061.749;

function utc(pattern: string, ms = MS): string {
  return new DateFormat(pattern, null).format(ms);
}

t.test('prints every specifier as Envoy does', async (t) => {
  const pattern =
    '%Y/%m/%d %H-%M-%S %y %j %e %a %A %b %B %p %I %Z %z %T %D %F %R %u %w %% %Q %U %C %G %V %h %c %x %X %k %l %g %s';
  t.equal(
    utc(pattern),
    '2026/11/21 02-53-41 26 325 21 Sat Saturday Nov November AM 02 UTC +0000 02:53:41 11/21/26 ' +
      '2026-11-21 02:53 6 6 % %Q 46 20 2026 47 Nov Sat Nov 21 02:53:41 2026 11/21/26 02:53:41  2 ' +
      ' 2 26 1795229621',
  );
  t.equal(utc('%r %P %W %Ez [%t] %'), '02:53:41 AM am 46 +00:00 [\t] %');
});

t.test('knows what glibc and absl add to strftime', async (t) => {
  t.equal(
    utc('%-d|%_d|%^a|%#Z|%#a|%#p|%Od|%05d|%10Y|%-m|%_m|%-e|%0e|%4B|%12B|%012B|%^D'),
    '21|21|SAT|utc|SAT|am|21|00021|0000002026|11|11|21|21|November|    November|0000November|11/21/26',
  );
  t.equal(
    utc('%-d|%_d|%0e|%e', Date.parse('2026-11-03T00:00:00Z')),
    '3| 3|03| 3',
    'filling is taken away, or blank',
  );
  t.equal(utc('%ET|%E4Y|%EY|%Ec|%OH|%3s'), 'T|2026|2026|Sat Nov 21 02:53:41 2026|02|1795229621');
  t.equal(
    utc('%Ez|%E*z|%:z|%::z|%:::z|%:Z|%::|%:'),
    '+00:00|+00:00:00|+00:00|+00:00:00|+00|%:Z|%::|%:',
  );
  t.equal(new DateFormat('%:::z %E*z', () => 330).format(MS), '+05:30 +05:30:00');
  t.equal(
    utc('%+|%L|%N|%i|%J|%K|%q|%v|%E|%O|%ES|%Ed|%E3s|%12f|end%'),
    '%+|%L|%N|%i|%J|%K|%q|%v|%E|%O|%ES|%Ed|%E3s|%12f|end%',
  );
});

t.test('prints fractions of a second', async (t) => {
  t.equal(utc('%s.%3f %6f %9f %f %1f'), '1795229621.061 061749 061749000 061749000 0');
  t.equal(utc('%E3S %E6S %E*S %E*f %E3f %ES'), '41.061 41.061749 41.061749 061749 061 %ES');
  t.equal(utc('%E0S|%E0f|%E12S|%E15f|%E1f'), '41||41.061749000000|061749000000000|0');
  t.equal(utc('%E*S|%E*f', 1000), '01|0');
  t.equal(utc('%3f', 7), '007');
  t.equal(utc('%3f', 87), '087');
  t.equal(utc('%3f', 987), '987');
});

t.test('refreshes what it keeps when the second changes', async (t) => {
  const format = new DateFormat('%T.%3f', null);
  t.equal(format.format(999), '00:00:00.999');
  t.equal(format.format(1000), '00:00:01.000');
  t.equal(format.format(500), '00:00:00.500');
});

t.test('agrees with the calendar over five centuries', async (t) => {
  const format = new DateFormat('%FT%E3SZ %w', null);
  for (let day = -80_000; day < 110_000; day += 37) {
    const ms = day * 86_400_000 + 45_296_007;
    const date = new Date(ms);
    const iso = date.toISOString();
    const expected = `${iso.slice(0, 11)}${iso.slice(17)} ${date.getUTCDay()}`;
    t.equal(format.format(ms), expected) || t.bailout(`day ${day}`);
  }
});

t.test('knows the weeks around new year', async (t) => {
  const day = (text: string): number => Date.parse(`${text}T12:00:00Z`);
  t.equal(utc('%G-%V %g %U %W %j %I %l %p', day('2027-01-01')), '2026-53 26 00 00 001 12 12 PM');
  t.equal(utc('%G-%V %j', day('2024-12-30')), '2025-01 365');
  t.equal(utc('%G-%V %j', day('2024-12-31')), '2025-01 366');
  t.equal(utc('%G-%V', day('2020-12-31')), '2020-53');
  t.equal(utc('%G-%V', day('2022-01-01')), '2021-52');
  t.equal(utc('%u', day('2026-11-22')), '7');
});

t.test('prints local time with its offset', async (t) => {
  const format = new DateFormat('%F %T %z %Ez %Z', () => -210);
  t.equal(format.format(MS), '2026-11-20 23:23:41 -0330 -03:30 -0330');
});

t.test('finds patterns that would break a line', async (t) => {
  t.ok(patternBreaksLine('%n'));
  t.ok(patternBreaksLine('%-3En'));
  t.ok(patternBreaksLine('a\nb'));
  t.notOk(patternBreaksLine('%t %Y n'));
});
