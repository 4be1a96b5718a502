// Imported into every process of a proxy (NODE_OPTIONS): a worker that is told of a resource with these
// words in it dies while it takes it over, as one does that runs into a fault of ours in native code.
import type { FromWorker } from '../../proxy/server/link.ts';
import type { WireToWorker } from '../../proxy/server/link-codec.ts';

const DEADLY = 'deadly poison';

const deadly = new Set<number>();
process.on('message', (wire: WireToWorker) => {
  if (wire.kind !== 'update') return;
  if (wire.upserted.some(({ bytes }) => Buffer.from(bytes).includes(DEADLY))) deadly.add(wire.id);
});

// It is through with all that came before, and would say now that it is through with this.
const send = process.send?.bind(process);
if (send !== undefined) {
  process.send = (message: FromWorker, ...rest: unknown[]) => {
    const isLast = message.kind === 'outcome' && deadly.has(message.id);
    if (isLast) process.kill(process.pid, 'SIGKILL');
    return (send as (...parts: unknown[]) => boolean)(message, ...rest);
  };
}
