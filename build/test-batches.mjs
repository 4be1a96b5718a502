// Which test files share a process. A file costs a third of a second before it tests anything: what
// files of one room share is loaded once where they start nothing that could be in each other's way.

/** Their tests neither start processes nor bind ports. */
const SHARING_ROOMS = new Set(
  'accesslog admin api base config explain filters formatter http listener model routing stats upstream x509'.split(
    ' ',
  ),
);
/** Longer than all others of their room together. */
const ALONE = /\/fuzz\.test\.js$|\/http-pool\.test\.js$/;
/** They take longest: begun last, one of them would be left alone at the end. */
const FIRST_ROOMS = ['e2e', 'differential'];
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
  return batches.sort((left, right) => rank(left) - rank(right));
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

function rank([file]) {
  const rank = FIRST_ROOMS.indexOf(roomOf(file));
  return rank < 0 ? FIRST_ROOMS.length : rank;
}
