// Waiting for a stream of the meter.
import type { Meter } from '#lab';

/** Waits until the stream has come so far: a busy machine's clock says nothing of where the stream is. */
export async function untilSent(meter: Meter, count: number): Promise<void> {
  let over = false;
  meter.done.then(
    () => (over = true),
    () => (over = true),
  );
  while (meter.progress.sent < count) {
    if (over) throw new Error(`The stream was over before its packet ${count}: nothing was measured`);
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}
