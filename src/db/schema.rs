diesel::table! {
    access_keys (id) {
        id -> Uuid,
        user_id -> Uuid,
        name -> Nullable<Text>,
        key_hash -> Bytea,
        last_four -> Text,
        era -> Int4,
        created_at -> Timestamptz,
        created_by -> Uuid,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    access_key_uses (key_id) {
        key_id -> Uuid,
        last_used_at -> Timestamptz,
        last_used_address -> Nullable<Text>,
    }
}

diesel::table! {
    absences (id) {
        id -> Uuid,
        user_id -> Uuid,
        kind -> Text,
        starts_at -> Timestamptz,
        ends_at -> Timestamptz,
        note -> Nullable<Text>,
        created_by -> Uuid,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    access_grants (id) {
        id -> Uuid,
        ticket_id -> Int8,
        beneficiary -> Text,
        system -> Text,
        profile -> Text,
        ends_on -> Nullable<Date>,
        requester_id -> Uuid,
        unit_id -> Nullable<Uuid>,
        requested_by_head -> Bool,
        granted_by -> Uuid,
        granted_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        revoked_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    anonymizations (user_id) {
        user_id -> Uuid,
        at -> Timestamptz,
        by -> Uuid,
        reason -> Text,
        left_places -> Nullable<Int8>,
    }
}

diesel::table! {
    article_revisions (article_id, revision) {
        article_id -> Uuid,
        revision -> Int4,
        changed_by -> Uuid,
        changed_at -> Timestamptz,
        content -> Jsonb,
    }
}

diesel::table! {
    articles (id) {
        id -> Uuid,
        title -> Text,
        incident -> Text,
        resolution -> Text,
        steps -> Jsonb,
        references -> Jsonb,
        category_id -> Nullable<Uuid>,
        visibility -> Text,
        status -> Text,
        ticket_id -> Nullable<Int8>,
        author_id -> Uuid,
        revision -> Int4,
        published_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        no_steps -> Nullable<Bool>,
        bibliography -> Jsonb,
    }
}

diesel::table! {
    attachments (id) {
        id -> Uuid,
        ticket_id -> Nullable<Int8>,
        followup_id -> Nullable<Uuid>,
        article_id -> Nullable<Uuid>,
        improvement_action_id -> Nullable<Uuid>,
        file_name -> Text,
        content_type -> Text,
        size -> Int8,
        sha256 -> Text,
        storage_key -> Text,
        uploaded_by -> Uuid,
        created_at -> Timestamptz,
        minutes_id -> Nullable<Uuid>,
        indicator_id -> Nullable<Uuid>,
        risk_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    attention_applications (id) {
        id -> Uuid,
        applied_at -> Timestamptz,
        applied_by -> Uuid,
    }
}

diesel::table! {
    attention_policies (id) {
        id -> Uuid,
        criticality -> Text,
        calendar_id -> Uuid,
        minutes -> Int4,
        opening_hours -> Text,
        effective_from -> Timestamptz,
        holiday_set_id -> Uuid,
    }
}

diesel::table! {
    attention_times (criticality) {
        criticality -> Text,
        minutes -> Int4,
        version -> Int4,
        updated_at -> Timestamptz,
        calendar_id -> Uuid,
    }
}

diesel::table! {
    /// The view of all clocks: of `attentions`, which have no `round`, and of `earlier_attentions`.
    attention_clocks (ticket_id, level) {
        ticket_id -> Int8,
        round -> Nullable<Int4>,
        level -> Int2,
        started_at -> Timestamptz,
        minutes -> Int4,
        due_at -> Timestamptz,
        assignee_id -> Nullable<Uuid>,
        assigned_at -> Nullable<Timestamptz>,
        accepted_at -> Nullable<Timestamptz>,
        accepted_by -> Nullable<Uuid>,
        policy_id -> Nullable<Uuid>,
        opening_hours -> Text,
        working_minutes -> Nullable<Float8>,
        holiday_set_id -> Uuid,
    }
}

diesel::table! {
    attentions (ticket_id, level) {
        ticket_id -> Int8,
        level -> Int2,
        started_at -> Timestamptz,
        minutes -> Int4,
        due_at -> Timestamptz,
        assignee_id -> Nullable<Uuid>,
        assigned_at -> Nullable<Timestamptz>,
        accepted_at -> Nullable<Timestamptz>,
        policy_id -> Nullable<Uuid>,
        opening_hours -> Text,
        accepted_by -> Nullable<Uuid>,
        working_minutes -> Nullable<Float8>,
        holiday_set_id -> Uuid,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Uuid,
        kind -> Text,
        resource -> Text,
        resource_id -> Nullable<Text>,
        actor_id -> Nullable<Uuid>,
        at -> Timestamptz,
        data -> Jsonb,
        data_salt -> Nullable<Bytea>,
        data_digest -> Bytea,
        hash -> Bytea,
    }
}

diesel::table! {
    background_tasks (name) {
        name -> Text,
        last_started_at -> Timestamptz,
        last_succeeded_at -> Nullable<Timestamptz>,
        last_failed_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        duration_ms -> Int8,
        failures -> Int4,
    }
}

diesel::table! {
    calendars (id) {
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        opening_hours -> Text,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    categories (id) {
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        description -> Text,
        required_profile -> Text,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        escalates_overdue -> Bool,
        records_access_grants -> Bool,
    }
}

diesel::table! {
    escalations (id) {
        id -> Uuid,
        ticket_id -> Int8,
        from_level -> Int2,
        to_level -> Int2,
        reason -> Text,
        escalated_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        third_party -> Nullable<Text>,
        reference -> Nullable<Text>,
        promised_for -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    events (id) {
        id -> Uuid,
        ticket_id -> Int8,
        seq -> Int4,
        kind -> Text,
        actor_id -> Nullable<Uuid>,
        at -> Timestamptz,
        data -> Jsonb,
        previous_hash -> Nullable<Bytea>,
        hash -> Bytea,
        data_salt -> Nullable<Bytea>,
    }
}

diesel::table! {
    expired_records (resource, resource_id) {
        resource -> Text,
        resource_id -> Text,
        expired_at -> Timestamptz,
    }
}

diesel::table! {
    followups (id) {
        id -> Uuid,
        ticket_id -> Int8,
        author_id -> Uuid,
        visibility -> Text,
        body -> Text,
        created_at -> Timestamptz,
        published_from -> Nullable<Uuid>,
        unverified -> Nullable<Bool>,
        from_copy -> Bool,
        to_requester -> Bool,
        is_cut -> Bool,
    }
}

diesel::table! {
    holiday_sets (id) {
        id -> Uuid,
        rules -> Jsonb,
        effective_from -> Timestamptz,
    }
}

diesel::table! {
    holidays (id) {
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        kind -> Text,
        month -> Nullable<Int2>,
        day -> Nullable<Int2>,
        days_from_easter -> Nullable<Int2>,
        date -> Nullable<Date>,
        first_year -> Nullable<Int4>,
        last_year -> Nullable<Int4>,
        shipped -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    holds (id) {
        id -> Uuid,
        ticket_id -> Int8,
        reason -> Text,
        started_at -> Timestamptz,
        started_by -> Uuid,
        ended_at -> Nullable<Timestamptz>,
        ended_by -> Nullable<Uuid>,
        kind -> Text,
    }
}

diesel::table! {
    idempotency_keys (user_id, key) {
        user_id -> Uuid,
        key -> Text,
        request_hash -> Bytea,
        status -> Nullable<Int2>,
        etag -> Nullable<Text>,
        location -> Nullable<Text>,
        body -> Bytea,
        created_at -> Timestamptz,
        claimed_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    improvement_actions (id) {
        id -> Uuid,
        number -> Int4,
        kind -> Text,
        finding -> Text,
        cause -> Text,
        action -> Text,
        owner_id -> Uuid,
        due_on -> Date,
        status -> Text,
        origin_kind -> Text,
        origin_path -> Nullable<Text>,
        origin_year -> Nullable<Int2>,
        origin_quarter -> Nullable<Int2>,
        origin_measurement_id -> Nullable<Uuid>,
        origin_risk_id -> Nullable<Uuid>,
        origin_minutes_id -> Nullable<Uuid>,
        origin_note -> Nullable<Text>,
        completed_at -> Nullable<Timestamptz>,
        completed_by -> Nullable<Uuid>,
        completion_note -> Nullable<Text>,
        verified_at -> Nullable<Timestamptz>,
        verified_by -> Nullable<Uuid>,
        verification_note -> Nullable<Text>,
        overdue_told_at -> Nullable<Timestamptz>,
        created_by -> Uuid,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    improvement_followups (id) {
        id -> Uuid,
        action_id -> Uuid,
        author_id -> Uuid,
        body -> Text,
        progress -> Nullable<Int2>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    inbound_emails (id) {
        id -> Uuid,
        source -> Text,
        received_at -> Timestamptz,
        size -> Int8,
        sha256 -> Text,
        storage_key -> Text,
        identity -> Text,
        author_hash -> Text,
        message_id -> Nullable<Text>,
        from_address -> Nullable<Text>,
        subject -> Text,
        status -> Text,
        reason -> Nullable<Text>,
        ticket_id -> Nullable<Int8>,
        followup_id -> Nullable<Uuid>,
        refused_files -> Array<Text>,
        attempts -> Int2,
        next_attempt_at -> Timestamptz,
        processed_at -> Nullable<Timestamptz>,
        released_by -> Nullable<Uuid>,
        version -> Int4,
        authentication -> Nullable<Text>,
        submitted_by -> Nullable<Uuid>,
        reply_to -> Nullable<Text>,
        recipients -> Array<Text>,
    }
}

diesel::table! {
    indicators (id) {
        id -> Uuid,
        name -> Text,
        aim -> Text,
        formula -> Text,
        unit -> Text,
        measure -> Text,
        within_hours -> Nullable<Int4>,
        target -> Float8,
        direction -> Text,
        warning -> Float8,
        frequency -> Text,
        source -> Text,
        responsible -> Text,
        status -> Text,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        kind -> Nullable<Text>,
        baseline_value -> Nullable<Float8>,
        baseline_note -> Nullable<Text>,
    }
}

diesel::table! {
    job_operations (job_id, position) {
        job_id -> Uuid,
        position -> Int4,
        operation -> Nullable<Json>,
        result -> Nullable<Json>,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        owner_id -> Uuid,
        key_id -> Nullable<Uuid>,
        era -> Nullable<Int4>,
        kind -> Text,
        state -> Text,
        locale -> Text,
        parameters -> Jsonb,
        seen -> Text,
        total -> Nullable<Int4>,
        done -> Int4,
        refused -> Int4,
        problem -> Nullable<Jsonb>,
        storage_key -> Nullable<Text>,
        file_name -> Nullable<Text>,
        content_type -> Nullable<Text>,
        size -> Nullable<Int8>,
        sha256 -> Nullable<Text>,
        attempts -> Int2,
        locked_until -> Nullable<Timestamptz>,
        locked_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    log_entries (ordinal) {
        ordinal -> Int8,
        source -> Text,
        event_id -> Uuid,
        hash -> Bytea,
        position -> Nullable<Int8>,
    }
}

diesel::table! {
    measurements (id) {
        id -> Uuid,
        indicator_id -> Uuid,
        year -> Int2,
        quarter -> Int2,
        value -> Nullable<Float8>,
        counted -> Nullable<Int8>,
        met -> Nullable<Int8>,
        target -> Float8,
        direction -> Text,
        warning -> Float8,
        measured_at -> Timestamptz,
        complete -> Bool,
        analysis -> Nullable<Text>,
        improvement_action_id -> Nullable<Uuid>,
        status -> Text,
        approved_at -> Nullable<Timestamptz>,
        approved_by -> Nullable<Uuid>,
        created_by -> Uuid,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        frequency -> Text,
        period -> Nullable<Int2>,
        through_date -> Date,
    }
}

diesel::table! {
    messages (id) {
        id -> Uuid,
        ticket_id -> Nullable<Int8>,
        improvement_action_id -> Nullable<Uuid>,
        kind -> Text,
        recipient_id -> Uuid,
        data -> Jsonb,
        status -> Text,
        created_at -> Timestamptz,
        attempts -> Int2,
        next_attempt_at -> Timestamptz,
        locked_until -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
        sent_to -> Nullable<Text>,
        sent_subject -> Nullable<Text>,
        sent_text -> Nullable<Text>,
        unreached -> Int4,
    }
}

diesel::table! {
    openings (ticket_id, number) {
        ticket_id -> Int8,
        number -> Int4,
        opened_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        solved_by_id -> Nullable<Uuid>,
        support_level -> Nullable<Int2>,
        reopened_at -> Nullable<Timestamptz>,
        working_minutes -> Nullable<Float8>,
    }
}

diesel::table! {
    minutes (id) {
        id -> Uuid,
        year -> Int2,
        number -> Int4,
        held_on -> Date,
        starts_at -> Nullable<Text>,
        ends_at -> Nullable<Text>,
        place -> Nullable<Text>,
        agenda -> Jsonb,
        proceedings -> Nullable<Text>,
        report_year -> Nullable<Int2>,
        report_quarter -> Nullable<Int2>,
        next_meeting_on -> Nullable<Date>,
        status -> Text,
        signed_at -> Nullable<Timestamptz>,
        signed_by -> Nullable<Uuid>,
        created_by -> Uuid,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    quarterly_report_files (year, quarter, format) {
        year -> Int4,
        quarter -> Int2,
        format -> Text,
        content -> Bytea,
        sha256 -> Bytea,
    }
}

diesel::table! {
    minutes_attendance (minutes_id, position) {
        minutes_id -> Uuid,
        position -> Int2,
        user_id -> Nullable<Uuid>,
        full_name -> Text,
        job_title -> Nullable<Text>,
        attendance -> Text,
    }
}

diesel::table! {
    quarterly_report_totals_files (year, quarter, format) {
        year -> Int4,
        quarter -> Int2,
        format -> Text,
        content -> Bytea,
        sha256 -> Bytea,
    }
}

diesel::table! {
    quarterly_reports (year, quarter) {
        year -> Int4,
        quarter -> Int2,
        approved_at -> Timestamptz,
        approved_by -> Uuid,
    }
}

diesel::table! {
    quarterly_report_texts (year, quarter) {
        year -> Int4,
        quarter -> Int2,
        analysis -> Nullable<Text>,
        proposals -> Nullable<Text>,
        author_id -> Nullable<Uuid>,
        author_position -> Nullable<Text>,
        approver_position -> Nullable<Text>,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    minutes_decisions (minutes_id, position) {
        minutes_id -> Uuid,
        position -> Int2,
        decision -> Text,
        owner_id -> Uuid,
        due_on -> Date,
    }
}

diesel::table! {
    refresh_tokens (token_hash) {
        token_hash -> Bytea,
        family_id -> Uuid,
        user_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    removed_files (storage_key) {
        storage_key -> Text,
        removed_at -> Timestamptz,
    }
}

diesel::table! {
    retention_rules (kind) {
        kind -> Text,
        form -> Nullable<Text>,
        record -> Text,
        months -> Nullable<Int4>,
        minimum_months -> Nullable<Int4>,
        applied_on -> Nullable<Date>,
        version -> Int4,
        updated_at -> Timestamptz,
        responsible -> Nullable<Text>,
        storage_place -> Nullable<Text>,
        retrieval -> Nullable<Text>,
        protection -> Nullable<Text>,
        disposition -> Nullable<Text>,
    }
}

diesel::table! {
    retention_runs (id) {
        id -> Uuid,
        kind -> Text,
        months -> Int4,
        up_to -> Timestamptz,
        removed -> Int4,
        removed_at -> Timestamptz,
    }
}

diesel::table! {
    risks (id) {
        id -> Uuid,
        number -> Int4,
        cause -> Text,
        risk -> Text,
        effect -> Text,
        probability -> Int2,
        impact -> Int2,
        level -> Text,
        controls -> Nullable<Text>,
        residual_probability -> Nullable<Int2>,
        residual_impact -> Nullable<Int2>,
        residual_level -> Nullable<Text>,
        treatment -> Text,
        treatment_plan -> Nullable<Text>,
        owner_id -> Uuid,
        review_on -> Date,
        status -> Text,
        origin_kind -> Text,
        origin_path -> Nullable<Text>,
        origin_year -> Nullable<Int2>,
        origin_quarter -> Nullable<Int2>,
        origin_measurement_id -> Nullable<Uuid>,
        origin_risk_id -> Nullable<Uuid>,
        origin_minutes_id -> Nullable<Uuid>,
        origin_note -> Nullable<Text>,
        created_by -> Uuid,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    shifts (id) {
        id -> Uuid,
        user_id -> Uuid,
        weekday -> Int2,
        starts_at -> Time,
        ends_at -> Time,
        on_public_holidays -> Bool,
        on_call -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    survey_answers (survey_id, question_id) {
        survey_id -> Uuid,
        question_id -> Uuid,
        text_es -> Text,
        text_en -> Text,
        rating -> Int2,
    }
}

diesel::table! {
    survey_counts (id) {
        id -> Int8,
        fact -> Text,
        day -> Date,
        criticality -> Nullable<Text>,
        unit_id -> Nullable<Uuid>,
        category_id -> Nullable<Uuid>,
        channel -> Text,
        status -> Nullable<Text>,
        overall -> Nullable<Int2>,
        timeliness -> Nullable<Int2>,
        courtesy -> Nullable<Int2>,
        solution -> Nullable<Int2>,
        surveys -> Int4,
    }
}

diesel::table! {
    survey_questions (id) {
        id -> Uuid,
        key -> Text,
        kind -> Text,
        text_es -> Text,
        text_en -> Text,
        position -> Int4,
        standing -> Bool,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    survey_tokens (token_hash) {
        token_hash -> Bytea,
        survey_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    password_links (user_id, purpose) {
        user_id -> Uuid,
        purpose -> Text,
        token_hash -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    password_reset_requests (id) {
        id -> Uuid,
        email -> Text,
        requested_at -> Timestamptz,
    }
}

diesel::table! {
    demo_accounts (user_id) {
        user_id -> Uuid,
        password_hash -> Text,
    }
}

diesel::table! {
    sign_in_attempts (subject_hash) {
        subject_hash -> Bytea,
        account_hash -> Bytea,
        attempts -> Int4,
        last_at -> Timestamptz,
        next_at -> Timestamptz,
    }
}

diesel::table! {
    sign_in_places (place_hash) {
        place_hash -> Bytea,
        account_hash -> Bytea,
        last_at -> Timestamptz,
    }
}

diesel::table! {
    surveys (id) {
        id -> Uuid,
        ticket_id -> Int8,
        requester_id -> Uuid,
        status -> Text,
        overall -> Nullable<Int2>,
        timeliness -> Nullable<Int2>,
        courtesy -> Nullable<Int2>,
        solution -> Nullable<Int2>,
        comment -> Nullable<Text>,
        created_at -> Timestamptz,
        answered_at -> Nullable<Timestamptz>,
        offered_at -> Timestamptz,
        reminded_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    ticket_relations (id) {
        id -> Uuid,
        kind -> Text,
        ticket_id -> Int8,
        related_id -> Int8,
        created_by -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    ticket_watchers (ticket_id, user_id) {
        ticket_id -> Int8,
        user_id -> Uuid,
        since -> Timestamptz,
        added_by -> Uuid,
        reason -> Text,
    }
}

diesel::table! {
    tickets (id) {
        id -> Int8,
        subject -> Text,
        description -> Text,
        status -> Text,
        criticality -> Nullable<Text>,
        channel -> Text,
        support_level -> Int2,
        category_id -> Nullable<Uuid>,
        requester_id -> Uuid,
        requester_full_name -> Text,
        requester_document_id -> Nullable<Text>,
        requester_email -> Text,
        requester_landline -> Nullable<Text>,
        requester_extension -> Nullable<Text>,
        requester_mobile -> Nullable<Text>,
        requester_unit_id -> Nullable<Uuid>,
        requester_unit_name -> Nullable<Text>,
        registered_by_id -> Uuid,
        assignee_id -> Nullable<Uuid>,
        received_at -> Timestamptz,
        classified_at -> Nullable<Timestamptz>,
        assigned_at -> Nullable<Timestamptz>,
        accepted_at -> Nullable<Timestamptz>,
        scheduled_for -> Nullable<Timestamptz>,
        attention_due_at -> Nullable<Timestamptz>,
        first_attention_due_at -> Nullable<Timestamptz>,
        attended_at -> Nullable<Timestamptz>,
        solved_at -> Nullable<Timestamptz>,
        solved_by_id -> Nullable<Uuid>,
        solution -> Nullable<Text>,
        closed_at -> Nullable<Timestamptz>,
        archived_at -> Nullable<Timestamptz>,
        archive_reason -> Nullable<Text>,
        archive_note -> Nullable<Text>,
        reopened_count -> Int4,
        version -> Int4,
        updated_at -> Timestamptz,
        attention_due_soon_at -> Nullable<Timestamptz>,
        clock_stopped_at -> Nullable<Timestamptz>,
        due_soon_told_at -> Nullable<Timestamptz>,
        overdue_told_at -> Nullable<Timestamptz>,
        clock_due_at -> Nullable<Timestamptz>,
        queue_rank -> Int2,
        queue_at -> Timestamptz,
        resumes_to -> Nullable<Text>,
        information_deadline -> Nullable<Timestamptz>,
        resubmission_of -> Nullable<Int8>,
        reception_head_id -> Nullable<Uuid>,
        attended_working_minutes -> Nullable<Float8>,
        staff_called_at -> Nullable<Timestamptz>,
        staff_call_cause -> Nullable<Text>,
        third_party -> Nullable<Text>,
        third_party_promised_for -> Nullable<Timestamptz>,
        automatic -> Bool,
        reply_to -> Nullable<Text>,
        external_source -> Nullable<Text>,
        external_id -> Nullable<Text>,
        imported_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    tree_head_mails (size, address) {
        size -> Int8,
        address -> Text,
        attempts -> Int2,
        next_attempt_at -> Timestamptz,
        last_error -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    tree_heads (size) {
        size -> Int8,
        root -> Bytea,
        at -> Timestamptz,
        reason -> Text,
        frontier -> Bytea,
        key_id -> Text,
        note -> Text,
    }
}

diesel::table! {
    units (id) {
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        head_id -> Nullable<Uuid>,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        password_hash -> Nullable<Text>,
        role -> Text,
        full_name -> Text,
        full_name_key -> Text,
        document_id -> Nullable<Text>,
        landline -> Nullable<Text>,
        extension -> Nullable<Text>,
        mobile -> Nullable<Text>,
        unit_id -> Nullable<Uuid>,
        locale -> Text,
        active -> Bool,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        contract_ends_on -> Nullable<Date>,
        staff_mail -> Bool,
        sign_in_era -> Int4,
        granted_permissions -> Array<Text>,
        document_declared -> Bool,
        contract_set_at -> Nullable<Timestamptz>,
        account_kind -> Text,
        scopes -> Nullable<Array<Text>>,
        account_description -> Nullable<Text>,
        machine_active -> Nullable<Bool>,
        machine_unit_ids -> Array<Uuid>,
        machine_category_ids -> Array<Uuid>,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> Uuid,
        webhook_id -> Uuid,
        event_id -> Uuid,
        position -> Int8,
        subject -> Text,
        event_type -> Text,
        state -> Text,
        attempts -> Int2,
        next_attempt_at -> Timestamptz,
        locked_until -> Nullable<Timestamptz>,
        last_attempt_at -> Nullable<Timestamptz>,
        response_status -> Nullable<Int2>,
        duration_ms -> Nullable<Int4>,
        response_body -> Nullable<Text>,
        error -> Nullable<Text>,
        created_at -> Timestamptz,
        delivered_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Uuid,
        url -> Text,
        description -> Nullable<Text>,
        event_types -> Array<Text>,
        unit_ids -> Array<Uuid>,
        category_ids -> Array<Uuid>,
        api_version -> Text,
        owner_id -> Uuid,
        active -> Bool,
        ended_reason -> Nullable<Text>,
        failing_since -> Nullable<Timestamptz>,
        position -> Int8,
        secret -> Bytea,
        previous_secret -> Nullable<Bytea>,
        previous_secret_until -> Nullable<Timestamptz>,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::joinable!(access_keys -> users (user_id));
diesel::joinable!(webhook_deliveries -> webhooks (webhook_id));
diesel::joinable!(webhooks -> users (owner_id));
diesel::table! {
    stream_tickets (token_hash) {
        token_hash -> Bytea,
        user_id -> Uuid,
        era -> Int4,
        key_id -> Nullable<Uuid>,
        credential_expires_at -> Nullable<Timestamptz>,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    ticket_presence (ticket_id, user_id) {
        ticket_id -> Int8,
        user_id -> Uuid,
        activity -> Nullable<Text>,
        started_at -> Timestamptz,
        seen_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::joinable!(access_key_uses -> access_keys (key_id));
diesel::joinable!(attachments -> users (uploaded_by));
diesel::joinable!(attention_policies -> calendars (calendar_id));
diesel::joinable!(attention_policies -> holiday_sets (holiday_set_id));
diesel::joinable!(attention_times -> calendars (calendar_id));
diesel::joinable!(attention_clocks -> attention_policies (policy_id));
diesel::joinable!(attentions -> attention_policies (policy_id));
diesel::joinable!(escalations -> users (escalated_by));
diesel::joinable!(audit_events -> users (actor_id));
diesel::joinable!(events -> users (actor_id));
diesel::joinable!(followups -> users (author_id));
diesel::joinable!(improvement_followups -> users (author_id));
diesel::joinable!(messages -> users (recipient_id));
diesel::joinable!(password_links -> users (user_id));
diesel::joinable!(demo_accounts -> users (user_id));
diesel::joinable!(quarterly_reports -> users (approved_by));
diesel::joinable!(shifts -> users (user_id));
diesel::joinable!(survey_answers -> survey_questions (question_id));
diesel::joinable!(survey_tokens -> surveys (survey_id));
diesel::joinable!(surveys -> tickets (ticket_id));
diesel::joinable!(tickets -> categories (category_id));
diesel::joinable!(articles -> categories (category_id));
diesel::joinable!(articles -> users (author_id));
diesel::joinable!(article_revisions -> users (changed_by));

diesel::allow_tables_to_appear_in_same_query!(
    absences,
    access_grants,
    access_key_uses,
    stream_tickets,
    ticket_presence,
    access_keys,
    anonymizations,
    article_revisions,
    articles,
    attachments,
    attention_applications,
    attention_clocks,
    attention_policies,
    attention_times,
    attentions,
    audit_events,
    background_tasks,
    calendars,
    categories,
    demo_accounts,
    escalations,
    events,
    expired_records,
    followups,
    holiday_sets,
    holidays,
    holds,
    idempotency_keys,
    job_operations,
    jobs,
    improvement_actions,
    improvement_followups,
    indicators,
    log_entries,
    measurements,
    messages,
    openings,
    password_links,
    password_reset_requests,
    quarterly_report_files,
    quarterly_report_totals_files,
    quarterly_report_texts,
    quarterly_reports,
    minutes,
    minutes_attendance,
    minutes_decisions,
    refresh_tokens,
    removed_files,
    retention_rules,
    retention_runs,
    risks,
    shifts,
    survey_answers,
    survey_counts,
    survey_questions,
    survey_tokens,
    sign_in_attempts,
    sign_in_places,
    surveys,
    ticket_relations,
    ticket_watchers,
    tickets,
    units,
    users,
    webhook_deliveries,
    webhooks,
);
