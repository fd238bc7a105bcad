// One process of the bare chain: `interchange`, `manager` or `worker`; settings as JSON in argv[3]. Each passes on what
// it gets, and the worker answers it.
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const [role, settings = '{}'] = process.argv.slice(2);
const { address, serverKey, keys, messageBytes, answerBytes } = JSON.parse(settings);

if (role === 'worker') {
  const pipe = new Socket({ fd: 3 });
  const answer = Buffer.alloc(answerBytes);
  let read = 0;
  pipe.on('data', ({ length }) => {
    for (read += length; read >= messageBytes; read -= messageBytes) pipe.write(answer);
  });
  pipe.on('close', () => process.exit()).on('error', () => process.exit());
} else {
  const { Dealer, Router } = await import('zeromq');
  process.stdin.resume().once('end', () => process.exit());
  if (role === 'interchange') {
    const curve = keys && { curveServer: true, curvePublicKey: keys.publicKey, curveSecretKey: keys.secretKey };
    const router = new Router({ ...curve, sendHighWaterMark: 0, sendTimeout: 0 });
    await router.bind(address);
    console.log(router.lastEndpoint);
    for await (const [from, body] of router) {
      await router.send([from.toString() === 'client' ? 'manager' : 'client', body]);
    }
  } else {
    const curve = keys && { curveServerKey: serverKey, curvePublicKey: keys.publicKey, curveSecretKey: keys.secretKey };
    const dealer = new Dealer({ ...curve, routingId: 'manager', sendHighWaterMark: 0, sendTimeout: 0 });
    dealer.connect(address);
    const worker = spawn(process.execPath, [fileURLToPath(import.meta.url), 'worker', settings], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    });
    const pipe = worker.stdio[3];
    pipe.on('error', () => process.exit());
    // Answers of the bare chain are of one size: a chunk of the pipe holds one or more of them.
    let rest = Buffer.alloc(0);
    pipe.on('data', async (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = [];
      for (; rest.length >= answerBytes; rest = rest.subarray(answerBytes)) whole.push(rest.subarray(0, answerBytes));
      for (const body of whole) await dealer.send(body);
    });
    await dealer.send('ready');
    for await (const [body] of dealer) pipe.write(body);
  }
}
