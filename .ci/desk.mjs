// Shared by the browser checks: a new desk, and Chromium.
import { spawn } from 'node:child_process'
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

export const password = 'una-clave-de-prueba'

/** Starts a desk in a new folder; returns its address once it is ready, and a function that stops it. */
export async function startDesk(mesa, environment = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'mesa-'))
  const child = spawn(mesa, {
    env: {
      ...process.env,
      MESA_DATA_DIR: join(folder, 'data'),
      MESA_LISTEN: '127.0.0.1:0',
      MESA_DEMO_PASSWORD: password,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((done) => child.on('exit', done))
  const stop = async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await ended
    let elsewhere
    try {
      elsewhere = readlinkSync(join(folder, 'data/postgres'))
    } catch {
      // PostgreSQL's files are in the folder itself.
    }
    for (const path of [folder, elsewhere].filter(Boolean)) rmSync(path, { recursive: true, force: true })
  }
  const ready = new Promise((done) => {
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
      const url = said.match(/Mesa is ready: (http:\/\/[^/]+)/)
      if (url) done(url[1])
    })
  })
  const url = await Promise.race([ready, ended.then(() => null)])
  if (url) return { url, stop }
  await stop()
  throw new Error(`the desk ended with ${child.exitCode}`)
}

const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking ' +
  '--disable-component-update --disable-sync'

/** The system's Chromium. */
export function startBrowser(...flags) {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: [...FLAGS.split(' '), ...flags] })
}
