// One question to one DNS server by a line.
import { decode, type DecodedPacket, encode, type Question, RECURSION_DESIRED } from 'dns-packet';
import {
  closeFd,
  connectUdpBy,
  type FdWatch,
  type InetEndpoint,
  receiveDatagram,
  sendDatagram,
  watchReadable,
} from '../../linux/index.js';

const ANSWER_BYTES = 4096;

/** What became of a question: the answer, or what the way to the server met. */
export type DnsOutcome = { readonly answer: DecodedPacket } | { readonly error: unknown };

/**
 * Asks; calls back at most once, with the answer, or with the error that came instead. Gives the function that ends it, which is to be
 * called when nothing came in time. Throws SystemError where it cannot be asked.
 */
export function askServer(
  device: string,
  server: InetEndpoint,
  question: Question,
  done: (outcome: DnsOutcome) => void,
): () => void {
  const id = Math.floor(Math.random() * 0x1_0000);
  const fd = connectUdpBy(device, server);
  let watch: FdWatch | undefined;
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    watch?.close();
    closeFd(fd);
  };
  const heard = (): void => {
    const into = new Uint8Array(ANSWER_BYTES);
    let outcome: DnsOutcome;
    try {
      const length = receiveDatagram(fd, into);
      if (length === undefined) return;
      const answer = decode(Buffer.from(into.buffer, 0, length));
      // Of another question, or somebody's guess.
      if (answer.id !== id || answer.type !== 'response') return;
      outcome = { answer };
    } catch (error) {
      outcome = { error };
    }
    close();
    done(outcome);
  };
  watch = watchReadable(fd, heard, false);
  try {
    sendDatagram(fd, encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [question] }));
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

/** RCODE of an answer by its name (RFC 1035 §4.1.1). */
export function answerCode(answer: DecodedPacket): string {
  return 'rcode' in answer ? String(answer.rcode) : '';
}
