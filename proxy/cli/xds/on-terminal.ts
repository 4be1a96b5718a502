// `outrigger xds` on a terminal: the board in place of lines that scroll by, until the user leaves.
import { SYSTEM_CLOCK } from '../../server/system-clock.ts';
import { SystemTerminal } from '../top/terminal.ts';
import { ClientBoard } from './client-board.ts';
import type { XdsOutlets } from './xds-outlets.ts';

/** How long what happened may wait to be seen. */
const REDRAW_MS = 250;

/** Outlets that draw. Until there is something to serve, and behind it, they write as others do. */
export function terminalOutlets(plain: XdsOutlets): XdsOutlets {
  const board = new ClientBoard(() => SYSTEM_CLOCK.nowMs());
  let isDrawn = false;
  const write = (text: string, otherwise: () => void): void => {
    board.add(text);
    if (!isDrawn) otherwise();
  };
  return {
    out: (line) => write(line, () => plain.out(line)),
    err: (text) => write(text, () => plain.err(text)),
    colour: false,
    observer: board,
    untilStopped: async () => {
      isDrawn = true;
      try {
        await drawUntilStopped(board, plain.untilStopped());
      } finally {
        isDrawn = false;
      }
    },
  };
}

async function drawUntilStopped(board: ClientBoard, stopped: Promise<void>): Promise<void> {
  let leave: () => void = () => undefined;
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const draw = (): void => terminal.draw(board.frame(terminal.width, terminal.height));
  const terminal = new SystemTerminal(process.stdin, process.stdout, {
    onKey: (key) => {
      if (board.onKey(key)) leave();
      else draw();
    },
    onResize: draw,
  });
  const redraws = setInterval(draw, REDRAW_MS);
  try {
    draw();
    await Promise.race([stopped, left]);
  } finally {
    clearInterval(redraws);
    terminal.close();
  }
}
