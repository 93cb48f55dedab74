// A mail server that stores the received messages, for checks that need links in them.
import { createServer } from 'node:net'

/** Starts it; mail to `refused` is rejected. */
export async function startMailbox({ refused }) {
  const messages = []
  const server = createServer((socket) => {
    let data = null
    let pending = ''
    const say = (line) => socket.write(`${line}\r\n`)
    const command = (line) => {
      if (data !== null) {
        if (line !== '.') return data.push(line)
        messages.push(decode(data.join('\r\n')))
        data = null
        return say('250 OK')
      }
      const verb = line.slice(0, 4).toUpperCase()
      if (verb === 'DATA') {
        data = []
        return say('354 End with a dot')
      }
      if (verb === 'RCPT' && line.includes(refused)) return say('550 No such mailbox')
      say(verb === 'QUIT' ? '221 Bye' : '250 OK')
    }
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      const lines = (pending + chunk).split('\r\n')
      pending = lines.pop()
      lines.forEach(command)
    })
    say('220 mailbox')
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `smtp://127.0.0.1:${server.address().port}`,
    /** Waits for a message that matches the pattern; returns the first group. */
    async find(pattern) {
      for (let tries = 0; tries < 300; tries += 1) {
        const found = messages.map((message) => message.match(pattern)).find(Boolean)
        if (found) return found[1]
        await new Promise((done) => setTimeout(done, 100))
      }
      throw new Error(`no message matches ${pattern}`)
    },
    stop: () => server.close(),
  }
}

/** Decodes quoted-printable. */
const decode = (text) => text.replaceAll('=\r\n', '').replace(/=([0-9A-F]{2})/g, (_, code) => String.fromCharCode(parseInt(code, 16)))
