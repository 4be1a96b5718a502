import t from 'tap';
import { compileLogPattern, TERMINAL_LOG_FORMAT } from '../../proxy/server/log-pattern.ts';

const RECORD = {
  level: 'info',
  wallMs: new Date(2026, 0, 2, 13, 4, 5, 6).getTime(),
  component: 'main',
  message: 'two\nlines',
  pid: 42,
  worker: -1,
};

t.test('lays out a terminal line as Envoy does, without its source location', async (t) => {
  const text = compileLogPattern(TERMINAL_LOG_FORMAT)(RECORD);
  t.equal(text, '[2026-01-02 13:04:05.006][42][info][main] two\nlines');
});

t.test('honours padding, escapes line breaks, and drops flags without meaning', async (t) => {
  t.equal(
    compileLogPattern('%-6l|%6l|%=6l|%L|%_|%g:%#|100%%')(RECORD),
    'info  |  info| info |I|two\\nlines|:|100%',
  );
});

t.test('knows the flags of date and time', async (t) => {
  t.equal(
    compileLogPattern('%Y %C %m %d %I %p %a %b %D %X %f')(RECORD),
    '2026 26 01 02 01 PM Fri Jan 01/02/26 13:04:05 006000',
  );
});
