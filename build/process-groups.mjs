// Processes that tap spawns, each with all that it starts: they end together, so that no proxy of a
// test that died is left behind, or holds the pipe on which tap waits for the test's end.

/** See the file's head. */
export class ProcessGroups {
  /** Process ids of those that lead a group. */
  #leaders = new Set();
  #isOver = false;

  /** A child that tap is about to spawn leads a group of its own, which does not outlive it. */
  adopt(child) {
    child.once('preprocess', (options) => {
      options.detached = true;
    });
    child.once('process', (leader) => {
      if (leader.pid === undefined) return;
      this.#leaders.add(leader.pid);
      leader.once('exit', () => this.#end(leader.pid));
      if (this.#isOver) this.#end(leader.pid);
    });
  }

  /** Ends all that run, and from now on each that begins. */
  endAll() {
    this.#isOver = true;
    for (const pid of this.#leaders) this.#end(pid);
  }

  #end(pid) {
    this.#leaders.delete(pid);
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nothing is left of it.
    }
  }
}
