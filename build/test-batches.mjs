// Which test files share a process. A file costs a third of a second before it tests anything: what
// files of one room share is loaded once where they start nothing that could be in each other's way.

/** Their tests are in nobody's way: most neither start processes nor bind ports. */
const SHARING_ROOMS = new Set(
  'accesslog admin api base cel cli config conformance discovery-server explain filters formatter http iptables-init listener model routing stats upstream x509 xds'.split(
    ' ',
  ),
);
/** Longer than all others of their room together. */
const ALONE = /\/fuzz\.test\.js$|\/http-pool\.test\.js$/;
/**
 * Its files start many processes and measure times: spread over the run they are in nobody's way, and
 * begun before the last part of it none of them is left alone at the end.
 */
const HEAVY_ROOM = 'e2e';
const HEAVY_PART = 0.9;
const FILES_A_PROCESS = 10;

/** Compiled files, each batch for one process, in the order to start them. */
export function testBatches(files) {
  const batches = [];
  const open = new Map();
  for (const file of files) {
    const room = roomOf(file);
    const isShared = SHARING_ROOMS.has(room) && !ALONE.test(file);
    let batch = isShared ? open.get(room) : undefined;
    if (batch === undefined || batch.length === FILES_A_PROCESS) {
      batch = [];
      batches.push(batch);
      if (isShared) open.set(room, batch);
    }
    batch.push(file);
  }
  return spread(batches);
}

/** Heavy ones at equal distances. */
function spread(batches) {
  const heavy = batches.filter(([file]) => roomOf(file) === HEAVY_ROOM);
  const light = batches.filter(([file]) => roomOf(file) !== HEAVY_ROOM);
  const place = (list, part) =>
    list.map((batch, index) => ({ batch, at: (part * index) / list.length }));
  const placed = [...place(heavy, HEAVY_PART), ...place(light, 1)];
  return placed.sort((left, right) => left.at - right.at).map(({ batch }) => batch);
}

/** What the run calls a batch. */
export function nameOf(batch) {
  const [first] = batch;
  if (batch.length > 1) return `test/${roomOf(first)}: ${batch.map(shortNameOf).join(', ')}`;
  return first.replace(/^dist\//, '').replace(/\.js$/, '.ts');
}

function shortNameOf(file) {
  return file.replace(/^dist\/test\/[^/]+\//, '').replace(/\.test\.js$/, '');
}

function roomOf(file) {
  return file.split('/')[2];
}
