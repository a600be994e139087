use super::*;

fn states(answers: Answers) -> Vec<State> {
    let state = |answer| match answer {
        Ok(Answer::Settled { state, .. } | Answer::Released { state, .. }) => state,
        other => panic!("{other:?} has no state"),
    };
    answers.into_iter().map(state).collect()
}

#[tokio::test]
async fn a_batch_is_decided_in_the_order_of_arrival_and_written_as_a_whole() {
    for [store, other] in replicas().await {
        one(&store, limit("user", "ann", 100), 0).await.unwrap();
        let user = [scope("user", "ann")];
        let batch = [
            reserve("a", &user, 60),
            reserve("b", &user, 60),
            settle("a", 40),
            reserve("c", &user, 60),
        ];
        let answers = store.commit(&batch, 0).await.unwrap();
        let allowed = answers.iter().filter_map(|answer| match answer {
            Ok(Answer::Verdict(verdict)) => Some(verdict.ruling.is_allowed()),
            _ => None,
        });
        assert_eq!(allowed.collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(money(&other, &owner("user", "ann")).await, (40, 60));
        let entries = other.entries(&filter()).await.unwrap();
        let entries: Vec<_> =
            entries.iter().map(|e| (e.charge.id.as_str(), e.amount_micros)).collect();
        assert_eq!(entries, [("a", 40)]);
    }
}

#[tokio::test]
async fn a_hold_ends_when_its_time_is_over_even_if_the_clock_goes_back_and_forth() {
    for [store, _] in replicas().await {
        let user = [scope("user", "ann")];
        for (id, at) in [("a", 5_000), ("b", 1_000), ("c", 9_000)] {
            one(&store, reserve(id, &user, 10), at).await.unwrap();
        }
        assert_eq!(store.open_count().await.unwrap(), 3);
        let overdue = store.overdue(6_000, 10).await.unwrap();
        assert_eq!(overdue, [charge("b"), charge("a")], "those that ended first come first");
        // By the time that they are ended the clock was set back.
        let expiries: Vec<_> = overdue.iter().cloned().map(Operation::Expire).collect();
        assert_eq!(
            states(store.commit(&expiries, 3_000).await.unwrap()),
            [State::Expired, State::Open]
        );
        assert_eq!(states(store.commit(&expiries, 6_000).await.unwrap()), [State::Expired; 2]);
        assert_eq!(money(&store, &owner("user", "ann")).await, (0, 10));
        let late = [settle("b", 30), settle("b", 30), settle("c", 0)];
        assert_eq!(states(store.commit(&late, 0).await.unwrap()), [State::Settled; 3]);
        assert_eq!(money(&store, &owner("user", "ann")).await, (30, 0));
    }
}

#[tokio::test]
async fn a_settle_is_new_once() {
    for [store, other] in replicas().await {
        one(&store, reserve("a", &[scope("user", "ann")], 10), 0).await.unwrap();
        let mut news = Vec::new();
        for (store, operation) in
            [(&store, settle("a", 5)), (&store, settle("a", 6)), (&other, settle("a", 7))]
        {
            match one(store, operation, 0).await {
                Ok(Answer::Settled { is_new, actual_micros: 5, .. }) => news.push(is_new),
                answer => panic!("{answer:?}"),
            }
        }
        assert_eq!(news, [true, false, false]);
    }
}

#[tokio::test]
async fn a_new_limit_tells_what_it_makes_of_an_account() {
    for [store, _] in replicas().await {
        for user in ["ann", "bob"] {
            one(&store, reserve(user, &[scope("user", user)], 90), 0).await.unwrap();
            one(&store, settle(user, 90), 0).await.unwrap();
        }
        one(&store, limit("user", "ann", 1_000), 0).await.unwrap();
        assert!(store.events(None, 0, 100).await.unwrap().is_empty(), "nobody is near a limit");
        one(&store, limit("user", "ann", 100), 0).await.unwrap();
        one(&store, limit("user", "ann", 1_000), 0).await.unwrap();
        one(&store, limit("user", "ann", 90), 0).await.unwrap();
        one(&store, limit("user", "*", 90), 0).await.unwrap();
        let told = async |key: &str| {
            let events = store.events(Some("t"), 0, 100).await.unwrap();
            let own = events.into_iter().filter(|event| event.scope_key == key);
            own.map(|event| format!("{} {}", event.kind, event.payload)).collect::<Vec<_>>()
        };
        let changes = told("ann").await.into_iter().filter(|told| told.starts_with("state-change"));
        let expected = [("active", "warned"), ("warned", "active"), ("active", "stopped")]
            .map(|(from, to)| format!(r#"state-change {{"from":"{from}","to":"{to}"}}"#));
        assert_eq!(changes.collect::<Vec<_>>(), expected);
        assert!(told("bob").await.is_empty(), "a limit for all is told of each when it is used");
        assert!(!is_allowed(&store, reserve("next", &[scope("user", "bob")], 1)).await);
        let kinds: Vec<_> = told("bob")
            .await
            .iter()
            .map(|told| told.split(' ').next().unwrap().to_owned())
            .collect();
        assert_eq!(kinds, ["state-change", "threshold-breach", "threshold-breach", "hard-stop"]);
    }
}

#[tokio::test]
async fn a_report_is_added_up_by_the_database_and_keeps_to_the_highest() {
    for [store, _] in replicas().await {
        let day_ms = 86_400_000;
        for number in 0..205_i64 {
            let (id, user) = (format!("c{number}"), scope("user", &format!("u{number:03}")));
            let scopes = [user, scope("org", "mesh")];
            let at = (number % 2) * day_ms;
            let batch = [reserve(&id, &scopes, 1), settle(&id, number)];
            store.commit(&batch, at).await.unwrap();
        }
        let asked = |group, kind: &str| {
            let filter = Filter { kind: kind.to_owned(), ..filter() };
            Spend { filter, group, since_ms: day_ms - 1 }
        };
        let days = store.spend(&asked(Group::Day, "")).await.unwrap();
        let shown: Vec<_> =
            days.rows.iter().map(|row| (row.group.as_str(), row.spent_micros, row.calls)).collect();
        let (even, odd) = ((0..205).step_by(2).sum::<i64>(), (1..205).step_by(2).sum::<i64>());
        assert_eq!(shown, [("1970-01-01", even, 103), ("1970-01-02", odd, 102)]);
        assert!(days.is_partial, "206 scopes are more than are told");
        assert_eq!(days.paces.len(), 200);
        assert!(days.paces.iter().all(|pace| pace.scope.key != "u000"), "the lowest are left out");
        let org = store.spend(&asked(Group::Agent, "org")).await.unwrap();
        assert_eq!((org.rows.len(), org.rows[0].spent_micros), (1, even + odd));
        assert_eq!((org.paces[0].recent_micros, org.paces[0].last.len()), (odd, 21));
        assert!(!org.is_partial);
    }
}
