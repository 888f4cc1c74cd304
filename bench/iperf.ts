// One run of iperf3 between host and peer of a lab, as its own report says.
import type { Lab } from '#lab';

/** The parts of iperf3's report that are used. */
export interface Iperf {
  /** What went wrong; iperf3 ends with status 0 then, too. */
  readonly error?: string;
  readonly end: {
    readonly sum_received?: { readonly bits_per_second: number };
    readonly sum?: { readonly packets: number; readonly lost_packets: number; readonly seconds: number };
  };
}

/** 18 bytes of payload make a frame of 64 bytes with its checksum; as many as can be sent. */
export const SMALLEST_UDP: readonly string[] = ['-u', '-b', '0', '-l', '18'];

/** Runs client and server; `args` are the client's. */
export function iperf(lab: Lab, ...args: string[]): Promise<Iperf> {
  return iperfTo(lab, lab.peerIp, 5201, ...args);
}

/** The same to one of the peer's addresses, on a port of its own, so that several can run at once. */
export async function iperfTo(lab: Lab, address: string, port: number, ...args: string[]): Promise<Iperf> {
  const server = lab.exec('peer', ['iperf3', '-s', '-1', '-p', String(port)]);
  // The server says when it listens, but only into its buffered output: try until it does.
  for (let attempt = 0; ; attempt++) {
    const { status, stdout, stderr } = await lab.exec('host', [
      'iperf3',
      '-J',
      '-p',
      String(port),
      '-c',
      address,
      ...args,
    ]);
    const report = status === 0 ? (JSON.parse(stdout) as Iperf) : undefined;
    if (report !== undefined && report.error === undefined) {
      await server;
      return report;
    }
    if (attempt === 40)
      throw new Error(`iperf3 ${args.join(' ')} failed: ${report?.error ?? (stderr || stdout).trim()}`);
    await new Promise(resolve => setTimeout(resolve, 250));
  }
}

/** Of TCP: what arrived. */
export function mbps(report: Iperf): number {
  return (report.end.sum_received?.bits_per_second ?? 0) / 1e6;
}

/** Of UDP: thousand datagrams a second that arrived. */
export function kpps(report: Iperf): number {
  const { packets = 0, lost_packets = 0, seconds = 1 } = report.end.sum ?? {};
  return (packets - lost_packets) / seconds / 1000;
}
