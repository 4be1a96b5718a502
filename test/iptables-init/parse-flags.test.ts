import t from 'tap';
import { FLAGS } from '../../iptables-init/flags.ts';
import { type Environment, flagHelp, parseFlags } from '../../iptables-init/parse-flags.ts';

/** The value of one flag. */
function read(name: string, args: readonly string[], environment: Environment = {}): unknown {
  const parsed = parseFlags(args, environment);
  return parsed.kind === 'values' ? parsed.values.get(name) : parsed;
}

t.test('a value stands in the same word or in the next one, even an empty one', async (t) => {
  for (const args of [['-p', '7'], ['-p7'], ['-p=7'], ['--envoy-port', '7'], ['--envoy-port=7']]) {
    t.equal(read('envoy-port', args), '7', args.join(' '));
  }
  t.equal(read('istio-service-exclude-cidr', ['-x', '']), '');
  t.equal(read('istio-service-cidr', ['-x', '', '-i', '*']), '*');
  t.equal(read('istio-service-cidr', ['-i', '1', '-i', '2']), '2', 'the last one counts');
});

t.test('a switch needs no value and takes one only in the same word', async (t) => {
  t.equal(read('dry-run', ['-n']), 'true');
  t.equal(read('dry-run', ['--dry-run=false']), 'false');
  t.match(read('dry-run', ['--dry-run', 'false']), { message: "unexpected argument 'false'" });
});

t.test('what is not understood is named', async (t) => {
  t.match(read('', ['--envoy-prot=1']), { message: "unknown flag '--envoy-prot'" });
  t.match(read('', ['-y']), { message: "unknown flag '-y'" });
  t.match(read('', ['-']), { message: "unknown flag '-'" });
  t.match(read('', ['15001']), { message: "unexpected argument '15001'" });
  t.match(read('', ['-p']), { message: '-p needs a value' });
});

t.test('a variable replaces a default, the command line wins', async (t) => {
  const environment = { PROXY_UID: '5', ENVOY_PORT: '6' };
  t.equal(read('proxy-uid', [], environment), '5');
  t.equal(read('proxy-uid', ['-u', '7'], environment), '7');
  t.equal(read('envoy-port', [], environment), '15001', 'this one has no variable');
});

t.test('a variable that is set to nothing is not set', async (t) => {
  t.equal(read('inbound-capture-port', [], { INBOUND_CAPTURE_PORT: '' }), '15006');
  const environment = { REDIRECT_DNS: 'true', ISTIO_META_DNS_CAPTURE: '' };
  t.equal(read('redirect-dns', [], environment), 'true');
});

t.test("a variable of the whole mesh wins over the flag's own", async (t) => {
  for (const [name, own, other] of [
    ['redirect-dns', 'REDIRECT_DNS', 'ISTIO_META_DNS_CAPTURE'],
    ['drop-invalid', 'DROP_INVALID', 'INVALID_DROP'],
    ['dual-stack', 'DUAL_STACK', 'ISTIO_DUAL_STACK'],
  ] as const) {
    t.equal(read(name, [], { [own]: 'true' }), 'true', own);
    t.equal(read(name, [], { [own]: 'true', [other]: 'false' }), 'false', other);
  }
});

t.test('help names every flag', async (t) => {
  t.same(parseFlags(['-p', '1', '-h'], {}), { kind: 'help' });
  t.same(parseFlags(['--help'], {}), { kind: 'help' });
  for (const { name, short } of FLAGS) {
    t.match(flagHelp(), short === '' ? `    --${name}` : `-${short}, --${name}`);
  }
});

t.test('no two flags share a letter, a name or a variable', async (t) => {
  const shorts = FLAGS.map(({ short }) => short).filter((short) => short !== '');
  t.equal(new Set(shorts).size, shorts.length);
  t.equal(new Set(FLAGS.map(({ name }) => name)).size, FLAGS.length);
});
