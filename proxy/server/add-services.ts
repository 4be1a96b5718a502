// The services that every proxy has.
import { ConfigFileWatch } from './config-file-watch.ts';
import type { Primary } from './primary.ts';
import { StatsFlush } from './stats-flush.ts';

/** Gives them to a primary before it starts. */
export function addServices(primary: Primary): void {
  primary.services.add(new StatsFlush(primary));
  const { configPath: path, watchesConfig } = primary.options;
  if (path === '' || !watchesConfig) return;
  const reload = () => primary.reloadIfChanged();
  primary.services.add(new ConfigFileWatch({ path, reload, log: primary.log }));
}
