use super::*;

#[test]
fn every_fault_is_listed_at_once() {
    let mut env =
        Environment::of([("A", "maybe"), ("B", "11"), ("C", "x"), ("D", "1.0000001"), ("E", "")]);
    assert!(env.boolean("A", true), "the default stands in for a fault");
    assert_eq!(env.integer("B", 5, 1..=10), 5);
    assert!((env.number("C", 0.5, 0.0..=1.0) - 0.5).abs() < f64::EPSILON);
    assert_eq!(env.micros("D", 7, 0..=i64::MAX), 7);
    assert_eq!(env.text("E"), None, "empty is unset");
    let Err(Errors(faults)) = env.finish() else { panic!("four faults") };
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert_eq!(faults[1], "B: 11 is not within 1 to 10");
}

#[test]
fn amounts_are_exact() {
    let cases = [
        ("0.05", Some(50_000)),
        ("10", Some(10_000_000)),
        (".5", Some(500_000)),
        ("-1.000001", Some(-1_000_001)),
        ("0.0000001", None),
        ("1e3", None),
        ("", None),
        (".", None),
        ("9223372036855", None),
    ];
    for (text, micros) in cases {
        assert_eq!(micros_of(text), micros, "{text}");
    }
}

#[test]
fn times_may_be_short_only_in_tests() {
    let mut env = Environment::of([("T", "20")]);
    assert_eq!(env.millis("T", 5_000, 1_000..=9_000), 5_000);
    assert!(env.finish().is_err());
    let mut env = Environment::of([("T", "20"), ("MESH_ENV", "test")]);
    assert_eq!(env.millis("T", 5_000, 1_000..=9_000), 20);
    assert!(env.finish().is_ok());
}

#[test]
fn the_shared_settings_have_the_defaults_of_the_contract() {
    let mut env = Environment::default();
    let common = Common::read(&mut env, Ports { grpc: 50050, admin: 9464 }, "./mesh.db");
    assert_eq!(common.grpc_listen.to_string(), "127.0.0.1:50050");
    assert_eq!(common.shutdown_grace_ms, 10_000);
    let mut env =
        Environment::of([("INTERNAL_TOKEN", "0123456789abcdef"), ("DATABASE_URL", "mysql://x")]);
    let common = Common::read(&mut env, Ports { grpc: 50050, admin: 9464 }, "./mesh.db");
    assert_eq!(common.grpc_listen.to_string(), "0.0.0.0:50050", "a token opens the listener");
    assert!(env.finish().is_err(), "only Postgres");
}
