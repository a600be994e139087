use super::*;

#[tokio::test]
async fn what_one_replica_has_written_the_other_knows() {
    for [first, second] in replicas().await {
        let user = [scope("user", "ann")];
        one(&first, limit("user", "ann", 100), 0).await.unwrap();
        let mut allowed = 0;
        for number in 0..12 {
            // Each has known the account before the other changed it.
            let store = if number % 3 == 0 { &first } else { &second };
            allowed +=
                usize::from(is_allowed(store, reserve(&format!("c{number}"), &user, 10)).await);
        }
        assert_eq!(allowed, 10);
        assert_eq!(money(&first, &owner("user", "ann")).await, (0, 100));
    }
}

#[tokio::test]
async fn a_changed_limit_acts_on_the_next_admission_of_every_replica() {
    for [first, second] in replicas().await {
        let user = [scope("user", "ann")];
        assert!(is_allowed(&first, reserve("a", &user, 50)).await, "nothing limits it");
        assert!(is_allowed(&second, reserve("b", &user, 50)).await);
        one(&second, limit("user", "*", 110), 0).await.unwrap();
        assert!(!is_allowed(&first, reserve("c", &user, 11)).await);
        one(&second, limit("user", "ann", 200), 0).await.unwrap();
        assert!(is_allowed(&first, reserve("d", &user, 11)).await, "its own limit wins");
        one(&first, Operation::Delete(owner("user", "ann")), 0).await.unwrap();
        assert!(!is_allowed(&second, reserve("e", &user, 11)).await);
        let again = one(&second, Operation::Delete(owner("user", "ann")), 0).await;
        assert_eq!(again.unwrap_err(), Refusal::Missing(scope("user", "ann")));
        let versions: Vec<_> = first.list("t").await.unwrap().iter().map(|d| d.version).collect();
        assert_eq!(versions, [1]);
    }
}

#[tokio::test]
async fn a_charge_has_its_first_answer_at_every_replica_whatever_came_between() {
    for [first, second] in replicas().await {
        let user = [scope("user", "ann")];
        one(&first, limit("user", "ann", 100), 0).await.unwrap();
        assert!(is_allowed(&first, reserve("a", &user, 100)).await);
        assert!(is_allowed(&second, reserve("a", &user, 70)).await, "it was allowed once");
        one(&second, settle("a", 100), 0).await.unwrap();
        for store in [&first, &second, &first] {
            assert!(is_allowed(store, reserve("a", &user, 1)).await, "also when it is over");
            assert!(!is_allowed(store, reserve("b", &user, 1)).await);
        }
        assert_eq!(money(&second, &owner("user", "ann")).await, (100, 0));
    }
}

#[tokio::test]
async fn a_reset_is_seen_by_every_replica() {
    for [first, second] in replicas().await {
        let user = [scope("user", "ann")];
        one(&first, limit("user", "ann", 100), 0).await.unwrap();
        for store in [&first, &second] {
            assert!(is_allowed(store, reserve("a", &user, 100)).await);
        }
        match one(&second, Operation::Reset(owner("user", "ann")), 0).await {
            Ok(Answer::Renewed(period, 0)) => assert_eq!(period, "none#1"),
            answer => panic!("{answer:?}"),
        }
        assert!(is_allowed(&first, reserve("b", &user, 100)).await);
        one(&first, settle("a", 90), 0).await.unwrap();
        assert_eq!(money(&second, &owner("user", "ann")).await, (0, 100), "the old one is apart");
    }
}

#[tokio::test]
async fn events_are_numbered_in_the_order_of_commits_and_delivered_by_one_at_a_time() {
    for [first, second] in replicas().await {
        for (number, store) in [&first, &second, &second, &first].into_iter().enumerate() {
            let key = format!("u{number}");
            one(store, limit("user", &key, 10), 0).await.unwrap();
            assert!(!is_allowed(store, reserve(&key, &[scope("user", &key)], 11)).await);
        }
        let events = second.events(None, 0, 3).await.unwrap();
        let shown: Vec<_> = events.iter().map(|e| (e.id, e.scope_key.as_str())).collect();
        assert_eq!(shown, [(1, "u0"), (2, "u1"), (3, "u2")]);
        assert!(second.events(Some("nobody"), 0, 3).await.unwrap().is_empty());
        assert_eq!(first.claim_mail(100, 200).await.unwrap(), Some(0));
        assert_eq!(second.claim_mail(199, 300).await.unwrap(), None, "it is another's turn");
        first.mailed(3, 100).await.unwrap();
        assert_eq!(second.claim_mail(200, 300).await.unwrap(), Some(3));
        second.mailed(4, 200).await.unwrap();
        assert_eq!(first.claim_mail(300, 400).await.unwrap(), None, "nothing has happened since");
    }
}
