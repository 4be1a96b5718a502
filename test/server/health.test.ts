import t from 'tap';
import { Health } from '../../proxy/server/health.ts';

t.test('goes from initialisation to life, and fails and mends its health check', async (t) => {
  const health = new Health();
  t.equal(health.state(), 'PRE_INITIALIZING');
  health.beginInitializing();
  t.equal(health.state(), 'INITIALIZING');
  health.becomeLive();
  t.equal(health.state(), 'LIVE');
  health.setFailed(true);
  t.equal(health.state(), 'DRAINING');
  health.setFailed(false);
  t.equal(health.state(), 'LIVE');
});

t.test('stays unready once it shuts down', async (t) => {
  const health = new Health();
  health.becomeLive();
  health.beginShutdown();
  health.setFailed(false);
  t.equal(health.state(), 'DRAINING');
});
