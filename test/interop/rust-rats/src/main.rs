//! Judges what Touchstone hands to others, by the crates that Trustee is built of: `ear` reads attestation results, `regorus` runs policies.
//! A question a line on standard input, an answer a line on standard output; both JSON.
use ear::{Algorithm, Appraisal, Ear, TrustTier};
use regorus::{Engine, Value};
use serde_json::{json, Value as Json};
use std::io::{stdin, BufRead};

fn main() {
    for line in stdin().lock().lines() {
        let question: Json = serde_json::from_str(&line.unwrap()).unwrap();
        let answer = match question["ask"].as_str() {
            Some("ear") => read_ear(&question),
            Some("rego") => run_policy(&question),
            other => Err(format!("no such question: {other:?}")),
        };
        println!(
            "{}",
            answer.unwrap_or_else(|refused| json!({ "refused": refused }))
        );
    }
}

/// Signature, dates, and the members that the crate knows.
fn read_ear(question: &Json) -> Result<Json, String> {
    let text = |name: &str| question[name].as_str().unwrap_or_default().to_string();
    let algorithm = match question["alg"].as_str() {
        Some("EdDSA") => Algorithm::EdDSA,
        _ => Algorithm::ES256,
    };
    let key = question["key"].to_string();
    let ear = Ear::from_jwt_jwk(&text("jwt"), algorithm, key.as_bytes())
        .map_err(|error| error.to_string())?;
    ear.validate().map_err(|error| error.to_string())?;
    Ok(json!({
        "profile": ear.profile,
        "developer": ear.vid.developer,
        "nonce": ear.nonce.as_ref().map(|nonce| serde_json::to_value(nonce).unwrap()),
        "status": each(&ear, |part| json!(tier(&part.status))),
        "policies": each(&ear, |part| json!(part.policy_id)),
        "executables": each(&ear, |part| json!(part.trust_vector.executables.get())),
    }))
}

fn each(ear: &Ear, of: impl Fn(&Appraisal) -> Json) -> Json {
    ear.submods
        .iter()
        .map(|(name, part)| (name.clone(), of(part)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn tier(status: &TrustTier) -> &'static str {
    match status {
        TrustTier::None => "none",
        TrustTier::Affirming => "affirming",
        TrustTier::Warning => "warning",
        TrustTier::Contraindicated => "contraindicated",
    }
}

/// As Trustee's attestation service does: reference values are asked for by name, by a function that the policy calls.
fn run_policy(question: &Json) -> Result<Json, String> {
    let values = question["values"].clone();
    let mut engine = Engine::new();
    let query = move |arguments: Vec<Value>| {
        let name = arguments[0].as_string()?;
        Value::from_json_str(&values[name.as_ref()].to_string())
    };
    let run = |engine: &mut Engine| {
        engine.add_extension("query_reference_value".to_string(), 1, Box::new(query))?;
        engine.add_policy(
            "policy.rego".to_string(),
            question["policy"].as_str().unwrap_or_default().to_string(),
        )?;
        engine.set_input(Value::from_json_str(&question["input"].to_string())?);
        engine
            .eval_rule(question["rule"].as_str().unwrap_or_default().to_string())?
            .to_json_str()
    };
    let found = run(&mut engine).map_err(|error| error.to_string())?;
    serde_json::from_str(&found)
        .map(|value: Json| json!({ "value": value }))
        .map_err(|error| error.to_string())
}
