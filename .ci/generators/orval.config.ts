// The URL of the desk is part of the code that orval generates.
const { MESA_CONTRACT, MESA_URL } = process.env

export default {
  mesa: { input: MESA_CONTRACT, output: { target: 'orval/mesa.ts', client: 'fetch', baseUrl: MESA_URL } },
}
