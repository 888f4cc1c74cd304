// The commands that hand over to other rooms: doctor, demo, lab.
// oxlint-disable unicorn/consistent-function-scoping -- each test says for itself what is answered
import { isAbsolute } from 'node:path';
import { expect, test } from 'vitest';
import type { DaemonModule, Finding, LabModule } from '../modules.js';
import { type Outcome, run } from '../test-support/command.js';

const FINE: Finding = { name: 'TCX', ok: true, level: 'ok', detail: 'kernel 6.12' };
const WARNING: Finding = {
  name: 'TUN',
  ok: false,
  level: 'warning',
  detail: 'no /dev/net/tun',
  fix: 'modprobe tun',
};
const PROBLEM: Finding = { name: 'permission', ok: false, level: 'problem', detail: 'bpf(2) is refused' };
const LOST: Finding = { name: 'bond0', ok: false, level: 'problem', detail: 'one member only is usable' };

/** How long doctor was to listen, the last time. */
let listened: number | undefined;

function doctor(
  findings: readonly Finding[],
  missing: readonly string[],
  words: readonly string[] = [],
): Promise<Outcome> {
  const module: DaemonModule = {
    startDaemon: () => Promise.reject(new Error('not asked for')),
    prepareDaemon: () => {
      throw new Error('not asked for');
    },
    diagnose: (_running, _supervised, _runDir, listenMs) => {
      listened = listenMs;
      return Promise.resolve({ findings });
    },
  };
  return run(['doctor', ...words], {
    machine: { daemon: () => Promise.resolve(module), missingCapabilities: () => missing },
  });
}

test('doctor prints a table and ends with 0 when nothing stands in the way', async () => {
  expect(await doctor([FINE, WARNING], ['CAP_BPF'])).toEqual({
    code: 0,
    out: [
      'ok       TCX  kernel 6.12',
      'warning  TUN  no /dev/net/tun',
      '         fix: modprobe tun',
      '',
      'Bonds will work here; 1 warning.',
      '',
    ].join('\n'),
    err: '',
  });
});

test('doctor listens for LACP as long as it is told', async () => {
  await doctor([FINE], []);
  expect(listened).toBeUndefined();
  await doctor([FINE], [], ['--listen', '31']);
  expect(listened).toBe(31_000);
  for (const words of ['0', '121', '1.5', '3s', '-1'])
    expect(await doctor([FINE], [], [`--listen=${words}`])).toMatchObject({
      code: 2,
      err: expect.stringContaining('a whole number of seconds from 1 to 120') as string,
    });
});

test('doctor ends with 1 for a problem, and with 4 when a permission is missing', async () => {
  expect(await doctor([PROBLEM, WARNING], [])).toMatchObject({
    code: 1,
    out: expect.stringContaining('1 problem, 1 warning: bonds will not work') as string,
  });
  expect(await doctor([LOST, WARNING], [])).toMatchObject({
    code: 1,
    out: expect.stringContaining('1 problem, 1 warning: mend the problems before the next failure') as string,
  });
  expect((await doctor([PROBLEM], ['CAP_BPF'])).code).toBe(4);
});

test('doctor --json prints what was found', async () => {
  const { out } = await doctor([FINE], [], ['--json']);
  expect(JSON.parse(out)).toEqual({ findings: [FINE] });
});

function lab(module: Partial<LabModule>): () => Promise<LabModule> {
  const none = (): Promise<number> => Promise.reject(new Error('not asked for'));
  return () =>
    Promise.resolve({
      runDemo: none,
      runLacpDemo: none,
      runUplinkDemo: none,
      runSimulatedDemo: none,
      labCommand: none,
      ...module,
    });
}

test('demo hands over its options and ends as the demo does', async () => {
  let given: Parameters<LabModule['runDemo']>[0] | undefined;
  const runDemo: LabModule['runDemo'] = options => {
    given = options;
    options.write('cut!\n');
    return Promise.resolve(1);
  };
  const outcome = await run(['demo', '--keep', '--seconds', '30'], { machine: { lab: lab({ runDemo }) } });
  expect(outcome).toEqual({ code: 1, out: 'cut!\n', err: '' });
  expect(given).toMatchObject({ keep: true, seconds: 30, colour: false });
  expect(given?.bin.endsWith('/bin/bondwire') === true && isAbsolute(given.bin)).toBe(true);
});

test('demo lacp hands over to its own show, knows no --keep, and is not simulated', async () => {
  let given: Parameters<LabModule['runLacpDemo']>[0] | undefined;
  const runLacpDemo: LabModule['runLacpDemo'] = options => {
    given = options;
    return Promise.resolve(0);
  };
  const machine = { lab: lab({ runLacpDemo }) };
  expect((await run(['demo', 'lacp', '--seconds', '8'], { machine })).code).toBe(0);
  expect(given).toMatchObject({ seconds: 8, supervised: false, colour: false });
  expect(await run(['demo', 'lacp', '--keep'], { machine })).toMatchObject({
    code: 2,
    err: expect.stringContaining('demo lacp ends by itself; --keep is for '),
  });
  expect(await run(['demo', 'lacp'], { machine: { ...refusing, lab: lab({}) } })).toMatchObject({
    code: 1,
    err: expect.stringContaining('demo lacp needs namespaces: you are not root, and nobody may.'),
  });
});

test('demo without permissions becomes root of a user namespace, with its options', async () => {
  const ran: (readonly string[])[] = [];
  const outcome = await run(['demo', '--keep', '--seconds', '9'], {
    machine: {
      missingCapabilities: () => ['CAP_SYS_ADMIN'],
      rootless: () =>
        Promise.resolve({
          rootlessRefusal: () => Promise.resolve(undefined),
          runRootless: (_terminal, command) => {
            ran.push(command);
            return Promise.resolve(3);
          },
        }),
    },
  });
  expect(outcome.code).toBe(3);
  expect(ran.map(command => command.slice(2))).toEqual([['demo', '--keep', '--seconds', '9']]);
});

const refusing = {
  missingCapabilities: () => ['CAP_SYS_ADMIN'],
  rootless: () =>
    Promise.resolve({
      rootlessRefusal: () => Promise.resolve('nobody may'),
      runRootless: () => Promise.reject(new Error('not asked for')),
    }),
};

test('demo without a user namespace is simulated, and says why', async () => {
  let why = '';
  const runSimulatedDemo: LabModule['runSimulatedDemo'] = options => {
    why = options.why;
    return Promise.resolve(0);
  };
  const outcome = await run(['demo'], { machine: { ...refusing, lab: lab({ runSimulatedDemo }) } });
  expect([outcome.code, why]).toEqual([0, 'you are not root, and nobody may']);
});

test('rootless where it is not allowed says so and ends with 4', async () => {
  expect(await run(['rootless', 'true'], { machine: refusing })).toEqual({
    code: 4,
    out: '',
    err: 'bondwire: rootless does not work here: nobody may.\n',
  });
});

test('lab hands over the verb and the interface', async () => {
  const asked: unknown[] = [];
  const labCommand: LabModule['labCommand'] = (verb, iface) => {
    asked.push([verb, iface]);
    return Promise.resolve(0);
  };
  for (const words of [['cut', 'eth0'], ['restore', 'eth0'], ['status']]) {
    expect((await run(['lab', ...words], { machine: { lab: lab({ labCommand }) } })).code).toBe(0);
  }
  expect(asked).toEqual([
    ['cut', 'eth0'],
    ['restore', 'eth0'],
    ['status', undefined],
  ]);
});

test('lab that fails is a sentence, and a permission that is missing ends with 4', async () => {
  const failing = (error: Error): Promise<Outcome> =>
    run(['lab', 'cut', 'eth0'], { machine: { lab: lab({ labCommand: () => Promise.reject(error) }) } });
  expect(await failing(new Error('there is no lab'))).toEqual({
    code: 1,
    out: '',
    err: 'bondwire: lab cut failed: there is no lab.\n',
  });
  const denied = await failing(Object.assign(new Error('setns: EPERM'), { code: 'EPERM' }));
  expect(denied).toMatchObject({
    code: 4,
    err: 'bondwire: lab cut needs a permission that is missing: setns: EPERM.\n',
  });
});
