/**
 * Sends requests of AWS's query protocol to an emulator, which takes any signature: what CloudFormation, IAM and CloudWatch speak, whose
 * clients are no dependency of ours. Gives the XML of the answer.
 */
export function awsQuery({endpoint, region, accessKeyId}: {endpoint: string; region: string; accessKeyId: string}) {
  return async (service: string, parameters: Readonly<Record<string, string>>): Promise<string> => {
    const scope = `${accessKeyId}/20260101/${region}/${service}/aws4_request`
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`},
      body: new URLSearchParams(parameters),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${service} ${parameters['Action']}: ${response.status} ${text}`)
    return text
  }
}
