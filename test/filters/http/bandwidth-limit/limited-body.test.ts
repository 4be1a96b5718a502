import t from 'tap';
import { BandwidthStats } from '../../../../proxy/filters/http/bandwidth-limit/bandwidth-config.ts';
import { LimitedBody } from '../../../../proxy/filters/http/bandwidth-limit/limited-body.ts';
import { TokenBucket } from '../../../../proxy/filters/http/bandwidth-limit/token-bucket.ts';
import type {
  FilterSite,
  MessageSide,
} from '../../../../proxy/filters/http/coding/message-side.ts';
import { CONTINUE, DROP, STOP } from '../../../../proxy/filters/http-filter.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import { StatsStore } from '../../../../proxy/stats/store.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const PER_SECOND = 10_000;

/** A limit over simulated time, with what came out of it. */
class Rig implements MessageSide {
  readonly clock = new FakeClock();
  readonly store = new StatsStore(null);
  readonly stats = new BandwidthStats(this.store, 's', 'response');
  readonly bucket = new TokenBucket(PER_SECOND, this.clock.nowMs());
  readonly seen: string[] = [];
  content = '';
  isComplete = false;
  isSlow = false;
  trailers: HeaderList | null = null;

  body(): LimitedBody {
    const site = {
      callbacks: { services: { timers: this.clock.timers }, nowMs: () => this.clock.nowMs() },
    } as unknown as FilterSite;
    const plan = { side: this, bucket: this.bucket, stats: this.stats, fillIntervalMs: 50 };
    return new LimitedBody(site, plan, { onLimitedEnd: (_body, own) => own ?? this.trailers });
  }

  inject(_site: FilterSite, data: Buffer, endStream: boolean): boolean {
    if (this.isComplete) throw new Error('content behind the end');
    this.content += data.toString();
    this.isComplete = endStream;
    return !this.isSlow;
  }

  injectTrailers(): void {
    this.seen.push('trailers');
    this.isComplete = true;
  }

  release(): void {
    this.seen.push('released');
    this.isComplete = true;
  }

  hold(): void {
    this.seen.push('hold');
  }

  take(): void {
    this.seen.push('take');
  }
}

t.test('what there are tokens for passes at once', async (t) => {
  const rig = new Rig();
  t.equal(rig.body().onData(Buffer.from('small'), true), DROP);
  t.equal(rig.content, 'small');
  t.ok(rig.isComplete);
  t.equal(rig.stats.pending.value, 0);
  t.equal(rig.stats.enforced.value, 0);
});

t.test('beyond the first second the rate is kept', async (t) => {
  const rig = new Rig();
  const body = rig.body();
  body.onData(Buffer.alloc(30_000, 'x'), true);
  t.equal(rig.content.length, PER_SECOND);
  t.equal(rig.stats.pending.value, 1);
  rig.clock.advance(1000);
  const early = 2 * PER_SECOND - rig.content.length;
  t.ok(early >= 0 && early <= PER_SECOND / 10, `${early} octets short`);
  rig.clock.advance(1100);
  t.ok(rig.isComplete);
  t.equal(rig.content, 'x'.repeat(30_000));
  t.ok(body.durationMs >= 2000 && body.durationMs < 2100, `${body.durationMs}`);
  t.equal(body.delayMs, rig.stats.enforced.value * 50);
  t.equal(rig.stats.allowedTotalSize.value, 30_000);
  t.equal(rig.stats.pending.value, 0);
  t.equal(rig.clock.timers.armedCount, 0);
});

t.test('streams share the tokens', async (t) => {
  const rig = new Rig();
  rig.body().onData(Buffer.alloc(PER_SECOND, 'x'), true);
  rig.isComplete = false;
  rig.body().onData(Buffer.from('y'), false);
  t.equal(rig.content.length, PER_SECOND);
  rig.clock.advance(60);
  t.equal(rig.content.length, PER_SECOND + 1);
});

t.test('whoever sends is held back while much waits', async (t) => {
  const rig = new Rig();
  const body = rig.body();
  for (let sent = 0; sent < 6; sent += 1) body.onData(Buffer.alloc(16_384), false);
  t.same(rig.seen, ['hold']);
  rig.clock.advance(8000);
  t.same(rig.seen, ['hold', 'take']);
  body.close();
  t.equal(rig.clock.timers.armedCount, 0);
});

t.test('a slow client is waited for, and no tokens are taken for it', async (t) => {
  const rig = new Rig();
  const body = rig.body();
  rig.isSlow = true;
  body.onData(Buffer.alloc(PER_SECOND + 100, 'x'), true);
  rig.clock.advance(500);
  t.equal(rig.content.length, PER_SECOND);
  rig.isSlow = false;
  body.onWritable();
  t.equal(rig.content.length, PER_SECOND + 100);
  t.ok(rig.isComplete);
});

t.test('trailers wait for the content in front of them', async (t) => {
  const rig = new Rig();
  const body = rig.body();
  body.onData(Buffer.alloc(PER_SECOND + 1), false);
  t.equal(body.onTrailers(HeaderList.empty()), STOP);
  rig.clock.advance(60);
  t.same(rig.seen, ['released']);
  t.equal(rig.body().onTrailers(HeaderList.empty()), CONTINUE, 'nothing waits');
});

t.test('a message may get trailers', async (t) => {
  const rig = new Rig();
  rig.trailers = HeaderList.of('a', 'b');
  rig.body().onData(Buffer.from('x'), true);
  t.same(rig.seen, ['trailers']);
});

t.test('a stream that is over is not pending', async (t) => {
  const rig = new Rig();
  const body = rig.body();
  body.onData(Buffer.alloc(2 * PER_SECOND), false);
  body.close();
  body.close();
  t.equal(rig.stats.pending.value, 0);
  t.equal(rig.clock.timers.armedCount, 0);
});
