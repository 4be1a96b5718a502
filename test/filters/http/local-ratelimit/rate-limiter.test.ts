// Buckets over simulated time, in two workers that draw from the same ones.
import t from 'tap';
import { privateCells } from '../../../../proxy/base/cells/shared-cells.ts';
import type {
  LimitedDescriptor,
  LocalRateLimitConfig,
} from '../../../../proxy/filters/http/local-ratelimit/local-ratelimit-config.ts';
import { RateLimiter } from '../../../../proxy/filters/http/local-ratelimit/rate-limiter.ts';
import type { RateLimitDescriptor } from '../../../../proxy/routing/rate-limit-descriptors.ts';
import { twoProcesses } from '../../../support/two-processes.ts';

const PER_SECOND = 1 / 1000;

function configOf(members: Partial<LocalRateLimitConfig>): LocalRateLimitConfig {
  return {
    place: 'listener/l',
    statPrefix: 'p',
    status: 429,
    rate: null,
    filterEnabled: null,
    filterEnforced: null,
    requestHeadersWhenNotEnforced: [],
    responseHeaders: [],
    descriptors: [],
    stage: 0,
    isPerConnection: false,
    sendsRateLimitHeaders: false,
    sendsRetryAfter: false,
    vhRateLimits: 'override',
    alwaysConsumesDefault: true,
    isResourceExhausted: false,
    rateLimits: [],
    maxDynamicDescriptors: 2,
    ...members,
  };
}

function limited(maxTokens: number, entries: LimitedDescriptor['entries']): LimitedDescriptor {
  return { entries, rate: { maxTokens, tokensPerMs: PER_SECOND }, isShadow: false };
}

function described(...values: readonly string[]): readonly RateLimitDescriptor[] {
  return values.map((value) => ({ entries: [{ key: 'a', value }], hits: null, limit: null }));
}

/** `y` and `n` for each request. */
function decide(limiter: RateLimiter, values: readonly string[]): string {
  const verdicts = values.map((value) =>
    limiter.decide(value === '' ? [] : described(value)).isAllowed ? 'y' : 'n',
  );
  return verdicts.join('');
}

const NONE = ['', '', '', ''];

t.test('a bucket starts full and fills little by little', async (t) => {
  let nowMs = 5;
  const rate = { maxTokens: 2, tokensPerMs: PER_SECOND };
  const limiter = new RateLimiter(
    configOf({ rate }),
    privateCells(() => nowMs),
  );
  t.equal(decide(limiter, NONE), 'yynn');
  nowMs += 999;
  t.equal(decide(limiter, ['']), 'n');
  nowMs += 1;
  t.equal(decide(limiter, NONE), 'ynnn');
  nowMs += 60_000;
  t.equal(decide(limiter, NONE), 'yynn', 'and no fuller than full');
});

t.test('workers draw from the same buckets', async (t) => {
  const { processes } = twoProcesses();
  const config = configOf({
    rate: { maxTokens: 7, tokensPerMs: PER_SECOND },
    descriptors: [limited(3, [{ key: 'a', value: 'x' }]), limited(1, [{ key: 'a', value: '' }])],
  });
  const [one, two] = processes.map((cells) => new RateLimiter(config, cells)) as [
    RateLimiter,
    RateLimiter,
  ];
  t.equal(decide(one, ['x', 'x']) + decide(two, ['x', 'x']), 'yyyn');
  t.equal(decide(one, ['v', 'w']) + decide(two, ['v', 'w']), 'yynn', 'by the value of a wildcard');
  t.equal(decide(two, NONE) + decide(one, NONE), 'yynnnnnn', 'five of seven were drawn');
});

t.test('of a wildcard the value that was not used for longest gives its bucket up', async (t) => {
  const config = configOf({ descriptors: [limited(1, [{ key: 'a', value: '' }])] });
  const limiter = new RateLimiter(
    config,
    privateCells(() => 0),
  );
  t.equal(decide(limiter, ['x', 'y', 'x', 'y']), 'yynn');
  t.equal(decide(limiter, ['x', 'z']), 'ny', 'y is forgotten');
  t.equal(decide(limiter, ['x', 'y', 'z']), 'nyy');
});

t.test(
  'the slowest bucket is asked first, and the rest draw nothing when it refuses',
  async (t) => {
    const slow = { ...limited(1, [{ key: 'a', value: 'slow' }]) };
    const fast = {
      ...limited(2, [{ key: 'a', value: 'fast' }]),
      rate: { maxTokens: 2, tokensPerMs: 1 },
    };
    const limiter = new RateLimiter(
      configOf({ descriptors: [fast, slow] }),
      privateCells(() => 0),
    );
    const both = () => limiter.decide(described('fast', 'slow'));
    t.equal(both().bucket?.rate, slow.rate);
    t.equal(both().isAllowed, false);
    t.equal(decide(limiter, ['fast', 'fast']), 'yn', 'one was drawn');
  },
);

t.test('with descriptors the common bucket may be left alone', async (t) => {
  const limiter = new RateLimiter(
    configOf({
      rate: { maxTokens: 1, tokensPerMs: PER_SECOND },
      alwaysConsumesDefault: false,
      descriptors: [limited(2, [{ key: 'a', value: 'x' }])],
    }),
    privateCells(() => 0),
  );
  t.equal(decide(limiter, ['x', 'x', 'x', '', 'other']), 'yynyn');
});
