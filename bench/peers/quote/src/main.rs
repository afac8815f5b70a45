//! Quote verifies one TDX quote with dcap-qvl, over and over, and prints what one verification takes.
//! Arguments: the quote, its collateral as JSON of dcap-qvl's own form, the root certificate in DER, the time in seconds, how often.

use std::{env, error::Error, fs};

use dcap_qvl::{verify::QuoteVerifier, QuoteCollateralV3};

fn main() -> Result<(), Box<dyn Error>> {
    let [quote, collateral, root, now, count] = &env::args().skip(1).collect::<Vec<_>>()[..] else {
        return Err("arguments: quote collateral root now count".into());
    };
    let quote = fs::read(quote)?;
    let collateral: QuoteCollateralV3 = serde_json::from_slice(&fs::read(collateral)?)?;
    let now: u64 = now.parse()?;
    let count: u64 = count.parse()?;
    let verifier = QuoteVerifier::new(fs::read(root)?);
    let status = verifier.verify(&quote, &collateral, now)?.status;
    let begun = cpu_nanoseconds()?;
    for _ in 0..count {
        verifier.verify(&quote, &collateral, now)?;
    }
    let each = (cpu_nanoseconds()? - begun) as f64 / count as f64 / 1000.0;
    println!("{}", serde_json::json!({ "status": status, "cpuMicroseconds": each }));
    Ok(())
}

/// How long this thread has run, which is the only one, as the kernel counts it.
fn cpu_nanoseconds() -> Result<u64, Box<dyn Error>> {
    let line = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(line.split(' ').next().ok_or("no time")?.parse()?)
}
